// Making elements. Everything is set as text, never as markup.
export function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.flat().filter(Boolean));
  return node;
}

// Text with `code` in it.
function words(text) {
  return text.split(/(`[^`]+`)/).map((part) => (part.startsWith("`") ? make("code", {}, part.slice(1, -1)) : part));
}

// Paragraphs and lists of a description.
export function prose(text) {
  return text.trim().split(/\n\s*\n/).map((block) =>
    block.startsWith("- ")
      ? make("ul", {}, block.slice(2).split(/\n- /).map((item) => make("li", {}, words(item))))
      : make("p", {}, words(block)));
}

export const json = (value) => JSON.stringify(value, null, 2);

// A dark panel with code that can be copied.
export function panel(title, text, ...controls) {
  const code = make("pre", { tabIndex: 0 }, text);
  const copy = make("button", { type: "button", onclick: () => navigator.clipboard.writeText(code.textContent).then(() => { copy.textContent = "Copied"; }) }, "Copy");
  return make("div", { className: "panel" }, make("header", {}, make("span", {}, title), make("span", {}, controls, copy)), code);
}
