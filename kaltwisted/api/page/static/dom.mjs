/** Elements out of values. Text is only ever inserted as text. */

const SVG = "http://www.w3.org/2000/svg";

/** Children, however deep in lists, without those that are none: what was left out by a condition. */
const there = (children) => children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false);

function make(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else set(element, name, value);
  }
  element.append(...there(children));
  return element;
}

/** An HTML element; attributes that begin with "on" are listeners, children are elements or texts. */
export const h = (name, attributes, ...children) => make(document.createElement(name), attributes, children);

/** An SVG element. */
export const svg = (name, attributes, ...children) => make(document.createElementNS(SVG, name), attributes, children);

/** Set an attribute, or take it away (null, undefined, false), only where that changes something. */
export function set(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Make children anew when what they show changed, and leave the focus where it was: what can have it has a
 * `data-focus` that names it.
 * @param {string} key what the children are made of, as text
 */
export function refresh(element, key, build) {
  if (element.shownKey === key) return;
  element.shownKey = key;
  const focused = element.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
  element.replaceChildren(...there([build()]));
  if (focused === undefined) return;
  for (const each of element.querySelectorAll("[data-focus]")) if (each.dataset.focus === focused) each.focus({ preventScroll: true });
}

/**
 * Children of an element, one an item, in the items' order; those that stay are the elements they were.
 * @param {Map<string, Element>} kept by key; is changed
 */
export function keyed(parent, kept, items, keyOf, build, update) {
  const wanted = new Set(items.map(keyOf));
  for (const [key, element] of kept) {
    if (!wanted.has(key)) {
      element.remove();
      kept.delete(key);
    }
  }
  let before = parent.firstChild;
  for (const item of items) {
    const key = keyOf(item);
    let element = kept.get(key);
    if (!element) kept.set(key, (element = build(item)));
    if (element === before) before = before.nextSibling;
    else parent.insertBefore(element, before);
    update(element, item);
  }
}

const context = document.createElement("canvas").getContext("2d");
const widths = new Map();
let fonts = null;

/** A text's width in pixels in the font of a class of the picture; what was measured is kept. */
export function measure(text, cls) {
  if (!fonts) {
    const style = getComputedStyle(document.documentElement);
    const family = style.getPropertyValue("--font").trim();
    const mono = style.getPropertyValue("--mono").trim();
    fonts = { title: `600 14px ${family}`, small: `12px ${family}`, mono: `12.5px ${mono}`, pill: `600 11px ${family}`, number: `600 17px ${family}` };
  }
  const key = `${cls} ${text}`;
  let width = widths.get(key);
  if (width === undefined) {
    if (widths.size > 50000) widths.clear();
    context.font = fonts[cls];
    widths.set(key, (width = context.measureText(text).width));
  }
  return width;
}
