// The page: every operation and problem of /schema/openapi.json, with navigation and search.
import { make, prose } from "./dom.js";
import { operationNode } from "./operation.js";

const ORDER = ["organizations", "users", "api-keys", "persons", "venues", "events", "ticket-categories", "ticket-pools", "orders", "order-items", "batch", "operations"];
const place = (tag) => (ORDER.includes(tag) ? ORDER.indexOf(tag) : tag === "service" ? 1000 : 100);

function problemNode(problem) {
  return make("article", { className: "problem", id: `problem-${problem.code}` }, make("h2", {}, problem.code), make("p", {}, problem.detail),
    make("ul", { className: "chips" }, make("li", {}, `status ${problem.status}`), problem.rule && make("li", {}, `rule ${problem.rule}`)));
}

function operationsOf(root) {
  const found = Object.entries(root.paths).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ path, method, operation })));
  const tag = ({ operation }) => operation.tags[0];
  return found.map((one, n) => [one, n]).sort(([one, n], [other, m]) => place(tag(one)) - place(tag(other)) || tag(one).localeCompare(tag(other)) || n - m).map(([one]) => one);
}

function start(root) {
  const content = document.getElementById("content"), list = document.getElementById("list"), groups = new Map(), entries = [];
  const add = (tag, link, node, words) => {
    if (!groups.has(tag)) groups.set(tag, list.appendChild(make("section", { "aria-label": tag }, make("h2", {}, tag))));
    link.href = `#${node.id}`;
    groups.get(tag).append(link);
    content.append(node);
    entries.push({ link, node, words: words.join(" ").toLowerCase() });
  };
  content.replaceChildren(make("div", { className: "intro" }, make("h2", {}, `${root.info.title} API`), prose(root.info.summary), prose(root.info.description)));
  for (const one of operationsOf(root)) {
    const { path, method, operation } = one;
    const link = make("a", { title: path }, make("span", { className: `method ${method}` }, method.toUpperCase()), make("span", {}, operation.summary));
    add(operation.tags[0], link, operationNode(root, one), [operation.operationId, path, method, operation.summary, operation.description ?? "", ...(operation["x-rules"] ?? [])]);
  }
  for (const problem of Object.values(root["x-problems"])) add("problems", make("a", { className: "plain" }, problem.code), problemNode(problem), [problem.code, problem.detail, String(problem.status), problem.rule ?? ""]);
  search(entries, groups);
  mark(entries);
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

function search(entries, groups) {
  const input = document.getElementById("search"), found = document.getElementById("found");
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { link, node, words } of entries) link.hidden = node.hidden = !wanted.every((word) => words.includes(word));
    for (const group of groups.values()) group.hidden = ![...group.querySelectorAll("a")].some((link) => !link.hidden);
    found.textContent = wanted.length ? `${entries.filter(({ link }) => !link.hidden).length} found` : "";
  });
  document.getElementById("credential").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || /INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName)) return;
    event.preventDefault();
    input.focus();
  });
}

// The operation that is being read is marked in the navigation.
function mark(entries) {
  const links = new Map(entries.map(({ node, link }) => [node, link]));
  const observer = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      if (isIntersecting) links.get(target).setAttribute("aria-current", "true");
      else links.get(target).removeAttribute("aria-current");
    }
  }, { rootMargin: "-10% 0px -85% 0px" });
  for (const { node } of entries) observer.observe(node);
}

fetch("/schema/openapi.json").then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`status ${answer.status}`)))).then(start)
  .catch((failure) => document.getElementById("content").replaceChildren(make("p", { className: "bad" }, `The description cannot be read: ${failure}`)));
