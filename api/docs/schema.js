// JSON Schemas as nested lists of properties; what is nested is made when it is opened.
import { make } from "./dom.js";

const steps = (reference) => reference.slice(2).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));

export function resolve(root, value) {
  return value?.$ref ? resolve(root, steps(value.$ref).reduce((part, step) => part[step], root)) : value ?? {};
}

const isNull = (schema) => schema.type === "null";
const present = (root, schema) => (schema.oneOf ?? schema.anyOf ?? []).filter((part) => !isNull(resolve(root, part)));

// The schema with the properties of all its parts; of a row that may be answered in part, those of the whole one.
export function whole(root, given) {
  const schema = resolve(root, given);
  const parts = [...(schema.allOf ?? []), ...(schema.properties && schema.anyOf ? schema.anyOf.slice(0, 1) : [])].map((part) => whole(root, part));
  if (!parts.length) return schema;
  const { allOf, anyOf, ...own } = schema;
  const properties = Object.assign({}, ...parts.map((part) => part.properties), own.properties);
  return { ...own, type: "object", properties, required: [...parts, own].flatMap((part) => part.required ?? []) };
}

const titled = (reference) => reference.split("/").pop();

export function kind(root, given) {
  const schema = whole(root, given);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (alternatives) return alternatives.length > 6 ? `one of ${alternatives.length}` : [...new Set(alternatives.map((part) => kind(root, part)))].join(" | ");
  const types = [schema.type ?? "any"].flat();
  return types.map((type) => {
    if (type === "array") return `list of ${kind(root, schema.items ?? {})}`;
    if (type === "object" && given.$ref) return schema.title ?? titled(given.$ref);
    return type + (type === "string" && schema.format ? ` · ${schema.format}` : "");
  }).join(" | ");
}

const LIMITS = {
  minLength: "at least {} characters", maxLength: "at most {} characters", minItems: "at least {}", maxItems: "at most {}", maxProperties: "at most {} names",
  minimum: "≥ {}", maximum: "≤ {}", pattern: "pattern {}", default: "default {}",
};

export function notes(schema) {
  const inner = [schema, ...(schema.anyOf ?? [])];
  const found = Object.entries(LIMITS).flatMap(([key, text]) => inner.filter((part) => part[key] !== undefined && part[key] !== null)
    .slice(0, 1).map((part) => text.replace("{}", () => (key === "pattern" ? part[key].replace("(?!\\n)$", "$") : JSON.stringify(part[key])))));
  return [inner.find((part) => part.description)?.description, found.join(", ")].filter(Boolean).join(" — ");
}

// What can be opened below a property: the object inside a list, a null or an alternative.
function inside(root, given) {
  const schema = whole(root, given);
  if (schema.properties) return [given];
  if ([schema.type].flat().includes("array")) return inside(root, schema.items ?? {});
  return present(root, schema).flatMap((part) => inside(root, part));
}

function opened(title, fill) {
  const details = make("details", {}, make("summary", {}, title));
  details.addEventListener("toggle", () => details.childElementCount > 1 || details.append(fill()), { once: true });
  return details;
}

export function row(name, type, required, text, ...more) {
  return make("li", {}, make("span", { className: "name" }, name), make("span", { className: "type" }, type),
    required && make("span", { className: "must" }, "required"), text && make("p", {}, text), more);
}

export function tree(root, given) {
  const schema = whole(root, given);
  if (!schema.properties) {
    const parts = inside(root, given);
    return parts.length === 1 ? tree(root, parts[0])
      : make("ul", { className: "rows" }, parts.length ? parts.map((part) => make("li", {}, opened(whole(root, part).title ?? kind(root, part), () => tree(root, part)))) : row("", kind(root, given), false, notes(schema)));
  }
  return make("ul", { className: "rows" }, Object.entries(schema.properties).map(([name, property]) => {
    const parts = inside(root, property), resolved = { ...resolve(root, property), ...(property.description && { description: property.description }) };
    const more = parts.length && opened(parts.length > 1 ? `${parts.length} alternatives` : "its fields",
      () => (parts.length > 1 ? make("ul", { className: "rows" }, parts.map((part) => make("li", {}, opened(whole(root, part).title ?? "object", () => tree(root, part))))) : tree(root, parts[0])));
    return row(name, kind(root, property), (schema.required ?? []).includes(name), notes(resolved), more);
  }));
}
