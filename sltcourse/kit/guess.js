// A guess that is made before the answer is seen: options as buttons, or a number on an axis. No kernel is asked.
function element(tag, className, parent, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  if (parent) parent.appendChild(e);
  return e;
}

// The guess outlives a second run of the cell, as long as the page is open; where storage is forbidden, it does not.
const kept = {
  get(key) { try { return JSON.parse(sessionStorage.getItem(key)); } catch { return null; } },
  set(key, value) { try { sessionStorage.setItem(key, JSON.stringify(value)); } catch { /* not kept */ } },
};

function choice(spec, body, made, commit) {
  const list = element("div", "slt-options", body);
  spec.options.forEach((text, k) => {
    const button = element("button", "slt-option", list, text);
    button.type = "button";
    if (made === null) { button.addEventListener("click", () => commit(k)); return; }
    button.disabled = true;
    if (k === spec.answer) button.classList.add("slt-answer");
    if (k === made) button.classList.add("slt-made");
    const marks = [k === made ? "your guess" : "", k === spec.answer ? "the answer" : ""].filter(Boolean);
    if (marks.length) element("span", "slt-mark", button, marks.join(", "));
  });
  if (made === null) return "";
  return made === spec.answer ? "As you guessed." : "";
}

const WIDTH = 560, LEFT = 30, LINE = 46, LETTERS = 48, LETTER = 8;   // the axis' width at most, its margins, the room of a tick's label, of a letter in it

function svg(tag, attributes, parent, text) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  if (text !== undefined) e.textContent = text;
  parent.appendChild(e);
  return e;
}

// The axis with the guess above it and, once it is made, the answer below it.
function axis(spec, parent, value, made) {
  const width = Math.min(WIDTH, parent.clientWidth || WIDTH), long = width - 2 * LEFT;
  const room = Math.max(LETTERS, ...spec.ticks.map(([, text]) => LETTER * text.length));
  const every = Math.ceil(spec.ticks.length * room / (long + room));   // on a phone some ticks have no label
  const picture = svg("svg", { viewBox: `0 0 ${width} ${made ? 92 : 70}`, class: "slt-axis", role: "img" }, parent);
  const x = share => LEFT + long * share, anchor = share => share < .15 ? "start" : share > .85 ? "end" : "middle";
  svg("line", { x1: LEFT, x2: LEFT + long, y1: LINE, y2: LINE, class: "slt-line" }, picture);
  for (const [k, [share, text]] of spec.ticks.entries()) {
    svg("line", { x1: x(share), x2: x(share), y1: LINE - 4, y2: LINE + 4, class: "slt-line" }, picture);
    if (k % every === 0) svg("text", { x: x(share), y: LINE + 18, "text-anchor": "middle", class: "slt-tick" }, picture, text);
  }
  const guess = svg("g", { class: "slt-guessed" }, picture), answer = svg("g", { class: "slt-answered" }, picture);
  const said = `${made ? "your guess: " : ""}${spec.texts[value]}`, at = x(value / (spec.texts.length - 1));
  svg("path", { d: `M${at} ${LINE - 1}l-6 -11h12z` }, guess);
  svg("text", { x: at, y: LINE - 18, "text-anchor": anchor(value / (spec.texts.length - 1)) }, guess, said);
  if (made) {
    svg("path", { d: `M${x(spec.answer)} ${LINE + 1}l-6 11h12z` }, answer);
    svg("text", { x: x(spec.answer), y: LINE + 38, "text-anchor": anchor(spec.answer) }, answer, `the answer: ${spec.answered}`);
  }
  picture.setAttribute("aria-label", made ? `${said}; the answer: ${spec.answered}` : `the axis, with your guess at ${said}`);
  return picture;
}

function number(spec, body, made, commit) {
  if (made !== null) { axis(spec, body, made, true); return ""; }
  let value = (spec.texts.length - 1) / 2, picture = axis(spec, body, value, false);
  const row = element("div", "slt-guess-row", body), input = element("input", "", row);
  Object.assign(input, { type: "range", min: 0, max: spec.texts.length - 1, step: 1, value });
  input.setAttribute("aria-label", spec.question);
  input.setAttribute("aria-valuetext", spec.texts[value]);
  input.addEventListener("keydown", e => e.stopPropagation());
  input.addEventListener("input", () => {
    value = Number(input.value);
    input.setAttribute("aria-valuetext", spec.texts[value]);
    const next = axis(spec, body, value, false);
    picture.replaceWith(next);
    picture = next;
  });
  const button = element("button", "slt-commit", row, "That is my guess");
  button.type = "button";
  button.addEventListener("click", () => commit(value));
  return "";
}

function render({ model, el }) {
  const spec = model.get("spec"), key = `sltcourse guess ${spec.key}`;
  const root = element("div", "slt-guess", el);
  root.dataset.lmSuppressShortcuts = "true";
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", spec.question);
  element("p", "slt-question", root, spec.question);
  const body = element("div", "", root), reply = element("p", "slt-because", root);
  reply.setAttribute("aria-live", "polite");
  const known = kept.get(key);
  let made = known && known.question === spec.question ? known.made : null;

  function show(moved) {
    body.replaceChildren();
    reply.replaceChildren();
    const said = (spec.options ? choice : number)(spec, body, made, value => { made = value; show(true); });
    kept.set(key, { question: spec.question, made });
    if (made === null) return;
    element("span", "", reply, [said, spec.because].filter(Boolean).join(" ") + " ");
    const again = element("button", "slt-again", reply, "Guess again");
    again.type = "button";
    again.addEventListener("click", () => { made = null; show(true); });
    if (moved) again.focus({ preventScroll: true });
  }
  show(false);
  root.dispatchEvent(new Event("slt-drawn", { bubbles: true }));
}

export default { render };
