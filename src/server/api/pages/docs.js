"use strict";

// Renders /openapi.json. Text goes into the page as text nodes only.

const METHODS = ["get", "post", "put", "patch", "delete"];
let api;

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** Text in which `such parts` are code. */
function prose(text) {
  const parts = String(text || "").split("`");
  const nodes = parts.map((part, i) => (i % 2 ? make("code", {}, part) : part));
  const out = document.createDocumentFragment();
  out.append(...nodes);
  return out;
}

function resolve(value) {
  if (!value || !value.$ref) return value;
  return value.$ref.slice(2).split("/").reduce((at, key) => at[key], api);
}

function nameOf(value) {
  return value && value.$ref ? value.$ref.split("/").pop() : "";
}

/** A schema in a few words: "integer, 1 to 500, default 50". */
function words(schema) {
  if (nameOf(schema)) return nameOf(schema);
  if (!schema) return "";
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const out = [];
  if (schema.enum) out.push(schema.enum.map((v) => JSON.stringify(v)).join(" | "));
  else if (schema.type === "array") out.push("list of " + (words(schema.items) || "anything"));
  else if (schema.type) out.push([].concat(schema.type).join(" or "));
  else out.push("anything");
  if (schema.minimum !== undefined && schema.maximum !== undefined) out.push(schema.minimum + " to " + schema.maximum);
  else if (schema.minimum !== undefined) out.push("at least " + schema.minimum);
  if (schema.minLength) out.push("at least " + schema.minLength + " characters");
  if (schema.maxLength) out.push("at most " + schema.maxLength + " characters");
  if (schema.default !== undefined) out.push("default " + JSON.stringify(schema.default));
  return out.join(", ");
}

function schemaLink(schema) {
  const item = schema && schema.type === "array" ? schema.items : schema;
  const name = nameOf(item);
  if (!name) return words(schema);
  const link = make("a", { href: "#shape-" + name }, name);
  const out = make("span", {}, item === schema ? "" : "list of ", link);
  return out;
}

function table(caption, rows) {
  const head = make("tr", {}, ...["Name", "What", ""].map((t) => make("th", { scope: "col" }, t)));
  return make("table", { "aria-label": caption }, make("thead", {}, head), make("tbody", {}, ...rows));
}

function fieldRows(schema, path) {
  const required = schema.required || [];
  return Object.entries(schema.properties || {}).flatMap(([name, field]) => {
    const row = make("tr", {}, make("td", {}, make("code", {}, path + name)),
      make("td", {}, schemaLink(field), required.includes(name) ? "" : make("span", { class: "quiet" }, " (optional)")),
      make("td", {}, prose(field.description)));
    const inner = field.type === "array" && !nameOf(field.items) ? field.items : field;
    const deeper = inner && inner.properties ? fieldRows(inner, path + name + ".") : [];
    return [row, ...deeper];
  });
}

function content(body) {
  const [type, media] = Object.entries((body && body.content) || {})[0] || ["", null];
  return { type, schema: media && media.schema, example: media && media.example };
}

function requestPart(operation) {
  const out = document.createDocumentFragment();
  const parameters = (operation.parameters || []).map(resolve);
  if (parameters.length) {
    out.append(make("h4", {}, "Parameters"), table("Parameters", parameters.map((p) => make("tr", {},
      make("td", {}, make("code", {}, p.name), make("span", { class: "quiet" }, " " + p.in)),
      make("td", {}, words(p.schema)), make("td", {}, prose(p.description))))));
  }
  const body = content(resolve(operation.requestBody));
  if (body.type) {
    out.append(make("h4", {}, "Body, " + body.type));
    if (nameOf(body.schema)) out.append(make("p", {}, schemaLink(body.schema)));
    else out.append(table("Fields of the body", fieldRows(body.schema || {}, "")));
    if (body.example) out.append(make("pre", { tabindex: "0" }, make("code", {}, JSON.stringify(body.example, null, 2))));
  }
  return out;
}

function answerPart(operation) {
  const rows = Object.entries(operation.responses || {}).map(([status, reference]) => {
    const answer = resolve(reference);
    const body = content(answer);
    const what = make("td", {}, prose(answer.description));
    const shape = make("td", {});
    if (body.schema && body.type === "application/json") shape.append(schemaLink(body.schema));
    else if (body.type) shape.append(Object.keys(answer.content).join(", "));
    return make("tr", {}, make("td", {}, make("code", {}, status)), what, shape);
  });
  const head = make("tr", {}, ...["Status", "Meaning", "Body"].map((t) => make("th", { scope: "col" }, t)));
  return make("table", { "aria-label": "Answers" }, make("thead", {}, head), make("tbody", {}, ...rows));
}

function whoMay(operation) {
  const schemes = operation.security || [];
  if (!schemes.length) return "Open to everybody.";
  const names = { bearer: "a bearer token", queryToken: "?token=", signedAddress: "a signed address" };
  const ways = schemes.map((s) => Object.keys(s)[0]).map((k) => (k ? names[k] || k : "nothing"));
  return "With " + ways.join(", or ") + ".";
}

function operationPart(entry) {
  const { method, path, operation, id } = entry;
  const part = make("article", { id }, make("h3", {}, make("span", { class: "method " + method }, method),
    make("code", {}, path)), make("p", {}, prose(operation.summary)));
  if (operation.description) part.append(make("p", {}, prose(operation.description)));
  part.append(make("p", { class: "quiet" }, whoMay(operation)), requestPart(operation));
  part.append(make("h4", {}, "Answers"), answerPart(operation));
  return part;
}

function entriesOf(tag) {
  const out = [];
  for (const [path, item] of Object.entries(api.paths)) {
    for (const verb of METHODS) {
      const operation = item[verb];
      if (!operation || operation.tags[0] !== tag) continue;
      const socket = operation.responses && operation.responses["101"];
      out.push({ path, operation, method: socket ? "WS" : verb.toUpperCase(), id: operation.operationId });
    }
  }
  return out;
}

function render() {
  document.title = api.info.title + " API";
  document.getElementById("title").textContent = api.info.title + " API";
  document.getElementById("about").replaceChildren(prose(api.info.description));
  const list = document.getElementById("contents");
  const operations = document.getElementById("operations");
  for (const tag of api.tags) {
    const entries = entriesOf(tag.name);
    if (!entries.length) continue;
    operations.append(make("section", { "aria-label": tag.name }, make("h2", {}, tag.description || tag.name),
      ...entries.map(operationPart)));
    list.append(make("section", {}, make("h2", {}, tag.name), make("ul", {}, ...entries.map((e) => make("li", {},
      make("a", { href: "#" + e.id }, make("span", { class: "method " + e.method }, e.method), e.path))))));
  }
  const schemas = document.getElementById("schemas");
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    schemas.append(make("article", { id: "shape-" + name }, make("h3", {}, name),
      schema.description ? make("p", {}, prose(schema.description)) : null, table(name, fieldRows(schema, ""))));
  }
  schemas.hidden = false;
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

function filter(text) {
  const wanted = text.trim().toLowerCase();
  for (const section of document.querySelectorAll("#contents section")) {
    let any = false;
    for (const item of section.querySelectorAll("li")) {
      item.hidden = !item.textContent.toLowerCase().includes(wanted);
      any = any || !item.hidden;
    }
    section.hidden = !any;
  }
}

document.getElementById("filter").addEventListener("input", (event) => filter(event.target.value));
fetch("/openapi.json").then((answer) => answer.json()).then((read) => {
  api = read;
  render();
}).catch(() => {
  document.getElementById("about").textContent = "The document /openapi.json could not be read.";
});
