// Trying an operation: a form, the answer, and the operations that can follow it with what is known by then.
import { json, make, panel } from "./dom.js";
import { resolve } from "./schema.js";

const forms = new Map();

function field(label, input) {
  return make("label", {}, label, input);
}

const pointed = (value, pointer) => pointer.split("/").slice(1).reduce((part, step) => part?.[step], value);

// A runtime expression of a link: what was asked and answered decides its value.
function evaluated(value, exchange) {
  if (Array.isArray(value)) return value.map((part) => evaluated(part, exchange));
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, evaluated(part, exchange)]));
  if (typeof value !== "string" || !value.startsWith("$")) return value;
  if (value.startsWith("$response.body#")) return pointed(exchange.answer, value.slice("$response.body#".length));
  return exchange.given[value.slice("$request.path.".length)];
}

function follow(root, link, exchange) {
  const target = forms.get(link.operationId);
  for (const [name, value] of Object.entries(evaluated(link.parameters ?? {}, exchange))) if (target.inputs[name]) target.inputs[name].value = value ?? "";
  if (link.requestBody && target.body) target.body.value = json(evaluated(link.requestBody, exchange));
  target.details.open = true;
  location.hash = link.operationId;
  target.details.querySelector("input, textarea, button")?.focus({ preventScroll: true });
}

async function send(root, { path, method, operation, parameters }, { inputs, query, body, result, button }) {
  const given = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value]));
  const at = path.replace(/{(\w+)}/g, (_, name) => encodeURIComponent(given[name]));
  const headers = new Headers(parameters.filter((each) => each.in === "header" && given[each.name]).map((each) => [each.name, given[each.name]]));
  const key = document.getElementById("key").value.trim();
  if (key) headers.set("Authorization", `Bearer ${key}`);
  if (body?.value.trim()) headers.set("Content-Type", "application/json");
  const started = performance.now();
  button.disabled = true;
  try {
    const response = await fetch(at + (query?.value ? `?${query.value.replace(/^\?/, "")}` : ""), { method: method.toUpperCase(), headers, body: body?.value.trim() || undefined, credentials: "omit", cache: "no-store" });
    const raw = await response.text();
    const milliseconds = Math.round(performance.now() - started);
    let answer;
    try { answer = JSON.parse(raw); } catch { answer = undefined; }
    const links = response.ok && answer ? resolve(root, operation.responses[response.status] ?? {}).links ?? {} : {};
    result.replaceChildren(
      make("p", { className: `status ${response.ok ? "good" : "bad"}` }, `${response.status} ${response.statusText} · ${milliseconds} ms`),
      panel("Headers", [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n")),
      panel("Body", answer === undefined ? raw : json(answer)),
      ...(Object.keys(links).length ? [make("p", { className: "quiet" }, "Go on with"), make("ul", { className: "next" }, Object.values(links).map((each) => {
        const link = resolve(root, each);
        return make("li", {}, make("button", { type: "button", onclick: () => follow(root, link, { given, answer }) }, link.operationId));
      }))] : []));
  } catch (failure) {
    result.replaceChildren(make("p", { className: "status bad" }, `No answer: ${failure.message}`));
  } finally {
    button.disabled = false;
  }
}

export function form(root, request) {
  const { parameters, operation, body: example, content } = request;
  const named = parameters.filter((parameter) => parameter.in !== "query");
  const inputs = Object.fromEntries(named.map((parameter) => [parameter.name, make("input", { required: parameter.required === true, autocomplete: "off", spellcheck: false })]));
  const query = parameters.some((parameter) => parameter.in === "query") ? make("input", { placeholder: "limit=10&sort=…", autocomplete: "off", spellcheck: false }) : null;
  const body = content ? make("textarea", { spellcheck: false, value: json(example ?? {}) }) : null;
  const button = make("button", { className: "main" }, "Send");
  const result = make("div", { "aria-live": "polite" });
  const details = make("details", { className: "try" }, make("summary", {}, "Try it"),
    make("form", { onsubmit: (event) => { event.preventDefault(); send(root, request, { inputs, query, body, result, button }); } },
      named.map((parameter) => field(parameter.name, inputs[parameter.name])), query && field("Query", query), body && field("Body", body), make("div", {}, button), result));
  forms.set(operation.operationId, { details, inputs, body });
  return details;
}
