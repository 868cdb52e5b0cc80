// One operation: what it takes on the left, examples and a form on the right.
import { json, make, panel, prose } from "./dom.js";
import { kind, notes, resolve, row, tree } from "./schema.js";
import { form } from "./send.js";

const FILTER = /^filter\[(\w+)\](?:\[(\w+)\])?$/;

const section = (title, ...content) => [make("h3", {}, title), ...content];

const chips = (operation) => [
  operation["x-permission"] ? `permission ${operation["x-permission"]}` : "no key needed",
  ...(operation["x-rules"] ?? []).map((rule) => `rule ${rule}`),
];

// A line per column with its operators, instead of a line per parameter.
function filters(root, parameters) {
  const columns = new Map();
  for (const { name, schema } of parameters) {
    const [, column, operator] = FILTER.exec(name);
    if (!columns.has(column)) columns.set(column, { operators: [], schema });
    columns.get(column).operators.push(operator ?? "eq");
  }
  const lines = [...columns].map(([column, { operators, schema }]) => row(`filter[${column}]`, kind(root, schema), false, operators.join(", ")));
  return make("details", {}, make("summary", {}, `${columns.size} columns to filter by: filter[column]=… or filter[column][operator]=…`), make("ul", { className: "rows" }, lines));
}

function parameterSections(root, parameters) {
  const plain = parameters.filter(({ name }) => !FILTER.test(name)), filtering = parameters.filter(({ name }) => FILTER.test(name));
  const line = (parameter) => row(parameter.name, kind(root, parameter.schema), parameter.required, notes({ ...parameter.schema, description: parameter.description }));
  return [["path", "Path"], ["query", "Query"], ["header", "Headers"]].flatMap(([place, title]) => {
    const own = plain.filter((parameter) => parameter.in === place);
    const more = place === "query" && filtering.length ? filters(root, filtering) : null;
    return own.length || more ? section(title, more, make("ul", { className: "rows" }, own.map(line))) : [];
  });
}

export function examplesOf(content) {
  if (!content) return [];
  if (content.examples) return Object.entries(content.examples).map(([name, example]) => [example.summary ?? name, example.value]);
  return "example" in content ? [["Example", content.example]] : [];
}

const text = (value) => (typeof value === "string" ? value : json(value));

function answerPanel(status, content) {
  const all = Object.entries(content ?? {}).flatMap(([type, media]) => examplesOf(media).map(([name, value]) => [name === "Example" ? type : name, value]));
  if (!all.length) return null;
  const choice = make("select", { "aria-label": "Example", onchange: () => { shown.querySelector("pre").textContent = text(all[choice.selectedIndex][1]); } },
    all.map(([name]) => make("option", {}, name)));
  const shown = panel(`Answer ${status}`, text(all[0][1]), all.length > 1 && choice);
  return shown;
}

export function curl({ path, method, operation, body }) {
  const lines = [`curl -X ${method.toUpperCase()} '${location.origin}${path}'`];
  if (operation["x-permission"]) lines.push("-H 'Authorization: Bearer sbk_…'");
  if (body !== undefined) {
    lines.push("-H 'Content-Type: application/json'", "-H 'Idempotency-Key: …'", `-d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`);
  }
  return lines.join(" \\\n  ");
}

function problems(root, failures) {
  const line = (status, code, text) => make("tr", {}, make("td", {}, status), make("td", {}, code && make("a", { href: `#problem-${code}` }, code)), make("td", { className: "quiet" }, text));
  const lines = failures.flatMap(([status, response]) => (response["x-codes"] ? response["x-codes"].map((code) => line(status, code, root["x-problems"][code]?.detail ?? ""))
    : [line(status, null, response.description)]));
  return make("table", { className: "problems" }, make("tbody", {}, lines));
}

export function operationNode(root, { path, method, operation }) {
  const parameters = (operation.parameters ?? []).map((parameter) => resolve(root, parameter));
  const content = operation.requestBody?.content["application/json"];
  const body = examplesOf(content)[0]?.[1];
  const responses = Object.entries(operation.responses).map(([status, response]) => [status, resolve(root, response)]);
  const done = responses.filter(([status]) => status < 400), failed = responses.filter(([status]) => status >= 400);
  const links = Object.keys(done[0]?.[1].links ?? {});
  const left = make("div", {}, prose(operation.description ?? ""), parameterSections(root, parameters),
    content && section("Body", tree(root, content.schema)),
    done.flatMap(([status, response]) => section(`Answer ${status}`, make("p", { className: "quiet" }, response.description),
      response.content?.["application/json"] && make("details", {}, make("summary", {}, "Fields"), tree(root, response.content["application/json"].schema)))),
    links.length > 0 && section("What can follow", make("ul", { className: "next" }, links.map((id) => make("li", {}, make("a", { href: `#${id}` }, id))))),
    failed.length > 0 && section("Problems", make("details", {}, make("summary", {}, failed.map(([status]) => status).join(" · ")), problems(root, failed))));
  const right = make("div", { className: "side" }, panel("Request", curl({ path, method, operation, body })),
    done.map(([status, response]) => answerPanel(status, response.content)), form(root, { path, method, operation, parameters, body, content }));
  const node = make("article", { className: "operation", id: operation.operationId },
    make("header", {}, make("h2", {}, operation.summary), make("div", { className: "route" }, make("span", { className: `method ${method}` }, method.toUpperCase()), path),
      make("ul", { className: "chips" }, chips(operation).map((chip) => make("li", {}, chip)))), left, right);
  return node;
}
