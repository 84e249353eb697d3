// Draws a live figure: controls above, a canvas that holds the whole picture, a caption below.
// Every part that follows the controls was tabulated in Python, in the picture's pixels; here it is looked up and drawn.
const NOWHERE = -32768, SCALE = 8;
const TYPES = { int16: Int16Array, uint8: Uint8Array, float32: Float32Array };

function element(tag, className, parent, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  if (parent) parent.appendChild(e);
  return e;
}

function bytesOf(view) {
  return view instanceof DataView ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array(view);
}

function loadTables(parts, bytes) {
  const all = parts.concat(parts.map(p => p.fields).filter(Boolean));
  for (const part of all) for (const t of Object.values(part.tables || {})) {
    if (t.texts) continue;
    const Type = TYPES[t.type];
    t.length = t.shape.reduce((a, b) => a * b, 1);
    t.data = new Type(bytes.slice(t.at, t.at + t.rows * t.length * Type.BYTES_PER_ELEMENT).buffer);
  }
}

function row(part, key, index) {
  const t = part.tables[key];
  if (t.texts) return t.texts[index];
  const start = (t.rows === 1 ? 0 : index) * t.length;
  return t.data.subarray(start, start + t.length);
}

function trace(context, x, y) {          // a path with gaps
  let pen = false;
  context.beginPath();
  for (let i = 0; i < x.length; i++) {
    if (x[i] === NOWHERE) { pen = false; continue; }
    if (pen) context.lineTo(x[i] / SCALE, y[i] / SCALE); else context.moveTo(x[i] / SCALE, y[i] / SCALE);
    pen = true;
  }
}

function blank(part, rows, columns) {
  if (!part.sheet) { part.sheet = new OffscreenCanvas(columns, rows); part.bits = new ImageData(columns, rows); }
  return part.bits;
}

function stretch(context, part, bits) {
  part.sheet.getContext("2d").putImageData(bits, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(part.sheet, ...part.box);
}

function slopes(field, rows, columns) {   // how much a field changes from a pixel to the next: the edge's softness
  const steps = new Float32Array(field.length);
  for (let r = 0, i = 0; r < rows; r++) for (let k = 0; k < columns; k++, i++) {
    const up = r > 0 ? -columns : 0, down = r < rows - 1 ? columns : 0, left = k > 0 ? -1 : 0, right = k < columns - 1 ? 1 : 0;
    steps[i] = Math.hypot((field[i + down] - field[i + up]) / ((down - up) / columns), (field[i + right] - field[i + left]) / (right - left)) + 1e-30;
  }
  return steps;
}

// A function for each kind of part (the classes of parts.py). It gets the canvas, the part's looks, and read(part):
// the part's arrays at the sliders' positions by get(name), their shape by shape(name), and the state's number.
const draw = {
  line(c, p, read) {
    const { get } = read(p);
    trace(c, get("x"), get("y"));
    c.strokeStyle = p.stroke; c.lineWidth = p.width; c.setLineDash(p.dashes); c.lineJoin = "round";
    c.lineCap = p.dashes.length ? "butt" : "round";
    c.stroke();
  },
  fill(c, p, read) {
    const { get } = read(p);
    trace(c, get("x"), get("y"));
    c.closePath();
    c.fillStyle = p.face; c.fill();
    if (p.width) { c.strokeStyle = p.edge; c.lineWidth = p.width; c.stroke(); }
  },
  points(c, p, read) {
    const { get } = read(p);
    const x = get("x"), y = get("y");
    c.fillStyle = p.face; c.strokeStyle = p.edge; c.lineWidth = p.width;
    for (let i = 0; i < x.length; i++) {
      if (x[i] === NOWHERE) continue;
      c.beginPath(); c.arc(x[i] / SCALE, y[i] / SCALE, p.radius, 0, 7);
      c.fill();
      if (p.width) c.stroke();
    }
  },
  image(c, p, read) {
    const { get, shape } = read(p), [rows, columns] = shape("pixels"), shades = get("pixels"), sheet = blank(p, rows, columns), palette = p.palette;
    for (let i = 0, j = 0; i < shades.length; i++, j += 4)
      for (let k = 0; k < 4; k++) sheet.data[j + k] = palette[4 * shades[i] + k];
    stretch(c, p, sheet);
  },
  region(c, p, read) {
    const f = p.fields, { get, shape, index } = read(f), field = get("pixels"), [rows, columns] = shape("pixels");
    f.slopes = f.slopes || {};
    const steps = f.slopes[index] = f.slopes[index] || slopes(field, rows, columns);
    const level = read(p).get("level")[0], sheet = blank(p, rows, columns), [red, green, blue, full] = p.palette;
    for (let i = 0, j = 0; i < field.length; i++, j += 4) {
      const cover = Math.min(1, Math.max(0, (level - field[i]) / steps[i] + 0.5));
      sheet.data[j] = red; sheet.data[j + 1] = green; sheet.data[j + 2] = blue; sheet.data[j + 3] = full * cover;
    }
    stretch(c, p, sheet);
  },
  text(c, p, read) {
    const { get } = read(p);
    const x = get("x"), y = get("y");
    if (x[0] === NOWHERE) return;
    c.fillStyle = p.face; c.textAlign = p.align; c.textBaseline = p.baseline;
    c.font = `${p.font} "DejaVu Sans", Verdana, sans-serif`;
    c.fillText(get("text"), x[0] / SCALE, y[0] / SCALE);
  },
};

// A guess within the picture: a line that slider and pointer move until it is committed. Until then parts are hidden.
function guessLine(spec, root, canvas, changed) {
  const key = `sltcourse guess ${spec.key}`, last = spec.texts.length - 1;
  let made = null, at = last / 2;
  try { made = JSON.parse(sessionStorage.getItem(key)); } catch { /* not kept */ }
  if (made !== null) at = made;
  const row = element("div", "slt-guess-row slt-guess-line", root);

  const words = () => `${spec.label} = ${spec.texts[at]}`;
  function say() {
    row.querySelector("output").textContent = words();
    row.querySelector("input").value = at;
    row.querySelector("input").setAttribute("aria-valuetext", words());
    changed();
  }
  function commit(value) {
    made = value;
    try { sessionStorage.setItem(key, JSON.stringify(made)); } catch { /* not kept */ }
    show();
    row.querySelector("button").focus({ preventScroll: true });
  }
  function show() {
    row.replaceChildren();
    element("p", "slt-question", row, spec.question);
    const input = element("input", "", row), reading = element("output", "", row);
    Object.assign(input, { type: "range", min: 0, max: last, step: 1, disabled: made !== null });
    input.setAttribute("aria-label", spec.question);
    input.addEventListener("input", () => { at = Number(input.value); say(); });
    input.addEventListener("keydown", e => e.stopPropagation());
    const button = element("button", "", row, made === null ? "That is my guess" : "Guess again");
    button.type = "button";
    button.addEventListener("click", () => commit(made === null ? at : null));
    canvas.style.touchAction = made === null ? "none" : "";
    canvas.style.cursor = made === null ? (spec.axis === "x" ? "ew-resize" : "ns-resize") : "";
    reading.classList.add("slt-reading");
    say();
  }
  function follow(e) {
    if (made !== null || !(e.buttons & 1)) return;
    const box = canvas.getBoundingClientRect();
    const where = spec.axis === "x" ? (e.clientX - box.left) / box.width * canvas.width : (e.clientY - box.top) / box.height * canvas.height;
    at = spec.pixels.reduce((best, p, k) => Math.abs(p - where) < Math.abs(spec.pixels[best] - where) ? k : best, 0);
    say();
  }
  canvas.addEventListener("pointerdown", follow);
  canvas.addEventListener("pointermove", follow);

  function line(c) {
    const [x, y, width, height] = spec.clip, p = spec.pixels[at], across = spec.axis === "x";
    c.strokeStyle = c.fillStyle = "#0072b2"; c.lineWidth = 4; c.setLineDash([14, 8]);
    c.beginPath();
    if (across) { c.moveTo(p, y); c.lineTo(p, y + height); } else { c.moveTo(x, p); c.lineTo(x + width, p); }
    c.stroke();
    const text = `your guess: ${spec.texts[at]}`, right = across && p > x + width / 2;
    c.font = `bold ${spec.size}px "DejaVu Sans", Verdana, sans-serif`;
    c.textAlign = across ? (right ? "right" : "left") : "left";
    c.textBaseline = across || p < y + height / 2 ? "top" : "bottom";
    const tx = across ? p + (right ? -10 : 10) : x + 12, ty = across ? y + 8 : p + (p < y + height / 2 ? 8 : -8);
    c.setLineDash([]); c.strokeStyle = "white"; c.lineWidth = 6; c.lineJoin = "round";
    c.strokeText(text, tx, ty);
    c.fillText(text, tx, ty);
  }
  return { show, line, open: () => made === null, hides: k => made === null && spec.hides.includes(k) };
}

function render({ model, el }) {
  const spec = structuredClone(model.get("spec"));
  loadTables(spec.parts, bytesOf(model.get("tables")));
  const names = spec.controls.map(c => c.name);
  let state = [...model.get("state")];

  const root = element("div", "slt-live", el);
  root.dataset.lmSuppressShortcuts = "true";     // JupyterLab leaves the arrow keys to the sliders
  const panel = element("div", "slt-controls", root);
  const longest = spec.controls.map(c => c.label.length + (c.menu ? 0 : 3 + Math.max(...c.texts.map(t => t.length))));
  panel.style.setProperty("--slt-reading", Math.max(...longest) + "ch");
  const canvas = element("canvas", "", root);
  const caption = element("p", "slt-caption", root);
  caption.setAttribute("aria-live", "polite");
  canvas.width = spec.sharpness * spec.width; canvas.height = spec.sharpness * spec.height;
  canvas.style.width = spec.width + "px";
  canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", spec.alt);
  const context = canvas.getContext("2d");

  // The class names of label, readout and handle are those of ipywidgets' sliders.
  const shown = spec.controls.map((control, k) => {
    const box = element("div", "slt-control widget-slider", panel);
    const id = "slt-" + Math.random().toString(36).slice(2);
    const reading = element("span", "slt-reading", box);
    const label = element("label", "widget-label", reading, control.label);
    label.htmlFor = id;
    const readout = element("output", "widget-readout", reading);
    readout.htmlFor = id;
    const track = element("span", "slt-track", box);
    const input = element(control.menu ? "select" : "input", control.menu ? "" : "ui-slider-handle", track);
    input.id = id;
    if (control.menu) control.texts.forEach((t, i) => { element("option", "", input, t).value = i; });
    else Object.assign(input, { type: "range", min: 0, max: control.texts.length - 1, step: 1 });
    input.addEventListener("input", () => { state[k] = Number(input.value); refresh(); });
    input.addEventListener("change", () => { model.set("state", [...state]); model.save_changes(); });
    input.addEventListener("keydown", e => e.stopPropagation());
    return { input, readout };
  });

  const guess = spec.guess && guessLine(spec.guess, panel, canvas, () => refresh());

  const indexOf = part => part.by.reduce((i, name, j) => i * part.sizes[j] + state[names.indexOf(name)], 0);

  function read(part) {
    const index = indexOf(part);
    if (part.ask !== undefined) return { index, get: key => part.answer[key], shape: key => part.shapes[key] };
    return { index, get: key => row(part, key, index), shape: key => part.tables[key].shape };
  }

  let background = null;
  function paint() {
    if (!background) return;
    context.drawImage(background, 0, 0, canvas.width, canvas.height);
    for (const [k, part] of spec.parts.entries()) {
      if (part.ask !== undefined && !part.answer || guess && guess.hides(k)) continue;
      context.save();
      if (part.clip) { context.beginPath(); context.rect(...part.clip); context.clip(); }
      draw[part.kind](context, part, read);
      context.restore();
    }
    if (guess) { context.save(); guess.line(context); context.restore(); }
  }

  function refresh() {
    spec.controls.forEach((control, k) => {
      const text = control.texts[state[k]], { input, readout } = shown[k];
      input.value = state[k];
      if (!control.menu) { readout.textContent = `= ${text}`; input.setAttribute("aria-valuetext", `${control.label} = ${text}`); }
    });
    if (guess && guess.open()) caption.textContent = "Make your guess, and the answer comes up beside it.";
    else if (spec.caption) { caption.textContent = spec.caption.texts[indexOf(spec.caption)]; caption.classList.remove("slt-trouble"); }
    spec.parts.forEach(ask);
    paint();
  }

  // A part too large for a table is asked of the kernel: one question at a time, always the latest state.
  function ask(part) {
    if (part.ask === undefined) return;
    const positions = part.by.map(name => state[names.indexOf(name)]), wanted = positions.join();
    if (part.asked) { part.stale = part.asked !== wanted; return; }
    if (part.have === wanted) return;
    part.asked = wanted;
    model.send({ ask: part.ask, positions });
  }
  function answered(message, buffers) {
    const part = spec.parts.find(p => p.ask !== undefined && p.ask === message.ask);
    if (!part || !part.asked) return;
    part.have = part.asked; part.asked = null;
    if (message.error) { caption.textContent = message.error; caption.classList.add("slt-trouble"); return; }
    part.answer = {}; part.shapes = {};
    let next = 0;
    for (const [key, head] of Object.entries(message.heads)) {
      if (typeof head === "string") { part.answer[key] = head; continue; }
      const bytes = bytesOf(buffers[next++]);
      part.answer[key] = new TYPES[head.type](bytes.slice().buffer);
      part.shapes[key] = head.shape;
    }
    paint();
    if (part.stale) { part.stale = false; ask(part); }
  }
  model.on("msg:custom", answered);
  const follow = () => { state = [...model.get("state")]; refresh(); };
  model.on("change:state", follow);

  createImageBitmap(new Blob([bytesOf(model.get("background"))], { type: "image/png" })).then(b => { background = b; paint(); });
  if (guess) guess.show(); else refresh();
  return () => { model.off("msg:custom", answered); model.off("change:state", follow); };
}

export default { render };
