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

// Where a panel's contents stand: x goes to a + b x, y to c + d y. In the picture as Python made it, they stay.
const SAME = [0, 1, 0, 1];
const placed = ([a, b, c, d], [x, y, width, height]) => [a + b * x, c + d * y, b * width, d * height];

function trace(context, x, y, [a, b, c, d]) {          // a path with gaps
  let pen = false;
  context.beginPath();
  for (let i = 0; i < x.length; i++) {
    if (x[i] === NOWHERE) { pen = false; continue; }
    const across = a + b * x[i] / SCALE, down = c + d * y[i] / SCALE;
    if (pen) context.lineTo(across, down); else context.moveTo(across, down);
    pen = true;
  }
}

function blank(part, rows, columns) {
  if (!part.sheet) { part.sheet = new OffscreenCanvas(columns, rows); part.bits = new ImageData(columns, rows); }
  return part.bits;
}

function stretch(context, part, bits, at) {
  part.sheet.getContext("2d").putImageData(bits, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(part.sheet, ...placed(at, part.box));
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
// the part's arrays at the sliders' positions by get(name), their shape by shape(name), the state's number, and where
// the part's panel stands (at).
const draw = {
  line(c, p, read) {
    const { get, at } = read(p);
    trace(c, get("x"), get("y"), at);
    c.strokeStyle = p.stroke; c.lineWidth = p.width; c.setLineDash(p.dashes); c.lineJoin = "round";
    c.lineCap = p.dashes.length ? "butt" : "round";
    c.stroke();
  },
  fill(c, p, read) {
    const { get, at } = read(p);
    trace(c, get("x"), get("y"), at);
    c.closePath();
    c.fillStyle = p.face; c.fill();
    if (p.width) { c.strokeStyle = p.edge; c.lineWidth = p.width; c.stroke(); }
  },
  points(c, p, read) {
    const { get, at: [left, across, top, down] } = read(p);
    const x = get("x"), y = get("y");
    c.fillStyle = p.face; c.strokeStyle = p.edge; c.lineWidth = p.width;
    for (let i = 0; i < x.length; i++) {
      if (x[i] === NOWHERE) continue;
      c.beginPath(); c.arc(left + across * x[i] / SCALE, top + down * y[i] / SCALE, p.radius, 0, 7);
      c.fill();
      if (p.width) c.stroke();
    }
  },
  image(c, p, read) {
    const { get, shape, at } = read(p), [rows, columns] = shape("pixels"), shades = get("pixels"), sheet = blank(p, rows, columns), palette = p.palette;
    for (let i = 0, j = 0; i < shades.length; i++, j += 4)
      for (let k = 0; k < 4; k++) sheet.data[j + k] = palette[4 * shades[i] + k];
    stretch(c, p, sheet, at);
  },
  region(c, p, read) {
    const f = p.fields, { get, shape, index } = read(f), field = get("pixels"), [rows, columns] = shape("pixels");
    f.slopes = f.slopes || {};
    const steps = f.slopes[index] = f.slopes[index] || slopes(field, rows, columns);
    const { get: now, at } = read(p), level = now("level")[0], sheet = blank(p, rows, columns), [red, green, blue, full] = p.palette;
    for (let i = 0, j = 0; i < field.length; i++, j += 4) {
      const cover = Math.min(1, Math.max(0, (level - field[i]) / steps[i] + 0.5));
      sheet.data[j] = red; sheet.data[j + 1] = green; sheet.data[j + 2] = blue; sheet.data[j + 3] = full * cover;
    }
    stretch(c, p, sheet, at);
  },
  text(c, p, read) {
    const { get, at: [left, across, top, down] } = read(p);
    const x = get("x"), y = get("y");
    if (x[0] === NOWHERE) return;
    c.fillStyle = p.face; c.textAlign = p.align; c.textBaseline = p.baseline;
    c.font = `${p.font} "DejaVu Sans", Verdana, sans-serif`;
    c.fillText(get("text"), left + across * x[0] / SCALE, top + down * y[0] / SCALE);
  },
};

// A guess within the picture: a line that slider and pointer move until it is committed. Until then parts are hidden.
// view.toPicture and view.toCanvas take a place from the canvas (in shares of its sides) to the picture, and back.
function guessLine(spec, root, view, changed) {
  const key = `sltcourse guess ${spec.key}`, last = spec.texts.length - 1, canvas = view.canvas, across = spec.axis === "x";
  let made = null, at = last / 2;
  try { made = JSON.parse(sessionStorage.getItem(key)); } catch { /* not kept */ }
  if (made !== null) at = made;
  const row = element("div", "slt-guess-row slt-guess-line", root);
  const handle = element("div", `slt-handle slt-handle-${spec.axis}`, canvas.parentNode);   // what a finger takes hold of
  handle.setAttribute("aria-hidden", "true");

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
    handle.hidden = made !== null;
    canvas.style.cursor = made === null ? (across ? "ew-resize" : "ns-resize") : "";
    reading.classList.add("slt-reading");
    say();
  }
  function follow(e) {
    if (made !== null || !(e.buttons & 1)) return;
    const box = canvas.getBoundingClientRect(), share = [(e.clientX - box.left) / box.width, (e.clientY - box.top) / box.height];
    const where = view.toPicture(share, spec)[across ? 0 : 1];
    at = spec.pixels.reduce((best, p, k) => Math.abs(p - where) < Math.abs(spec.pixels[best] - where) ? k : best, 0);
    say();
  }
  const byMouse = e => { if (e.pointerType !== "touch") follow(e); };   // a swipe over the picture scrolls the page
  canvas.addEventListener("pointerdown", byMouse);
  canvas.addEventListener("pointermove", byMouse);
  handle.addEventListener("pointerdown", e => { handle.setPointerCapture(e.pointerId); follow(e); });
  handle.addEventListener("pointermove", follow);

  function line(c, map) {
    const [x, y, width, height] = placed(map, spec.clip), p = map[across ? 0 : 2] + map[across ? 1 : 3] * spec.pixels[at];
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
  function hold() {          // the handle follows the line
    const [x, y, width, height] = spec.clip, p = spec.pixels[at];
    const [[left, top], [right, bottom]] = (across ? [[p, y], [p, y + height]] : [[x, p], [x + width, p]]).map(q => view.toCanvas(q, spec));
    Object.assign(handle.style, { left: 100 * left + "%", top: 100 * top + "%", width: 100 * (right - left) + "%", height: 100 * (bottom - top) + "%" });
  }
  return { show, line, hold, open: () => made === null, hides: k => made === null && spec.hides.includes(k) };
}

// How a picture is laid out in a room (CSS pixels): as it is; where that would shrink it below READABLE, its columns
// below one another, each as large as there is room for, or its narrow frame. A piece of it: the picture from (x, y)
// on, so wide and high, at (left, top) of the canvas, magnified by by.
const READABLE = 0.7;
function arrange({ width, height, columns, narrow }, room) {
  const whole = size => ({ ...size, pieces: [{ x: 0, y: 0, wide: size.width, high: size.height, left: 0, top: 0, by: 1 }] });
  if (!room || room >= READABLE * width || !columns && !narrow) return whole({ width, height });
  if (narrow) return whole({ narrow: true, width: narrow.width, height: narrow.height });
  const widest = Math.max(room, ...columns.map(([a, b]) => b - a)), rows = [];
  for (const column of columns) {
    const wide = column[1] - column[0];
    if (!rows.length || rows.at(-1).width + wide > widest) rows.push({ width: 0, columns: [] });
    rows.at(-1).columns.push(column);
    rows.at(-1).width += wide;
  }
  const most = Math.max(...rows.map(row => row.width)), pieces = [];
  let top = 0;
  for (const row of rows) {
    const more = Math.min(most / row.width, Math.max(1, most / room)), by = more > 1.15 ? more : 1;   // as it is, it's drawn faster
    let left = 0;
    for (const [a, b, c, d] of row.columns) {
      pieces.push({ x: a, y: c, wide: b - a, high: d - c, left, top, by });
      left += by * (b - a);
    }
    top += Math.round(by * Math.max(...row.columns.map(([, , c, d]) => d - c)));
  }
  return { width: most, height: top, pieces };
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
  const canvas = element("canvas", "", element("div", "slt-picture", root));
  const caption = element("p", "slt-caption", root);
  caption.setAttribute("aria-live", "polite");
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

  let layout = arrange(spec, 0);
  const at = part => layout.narrow ? spec.narrow.panels[part.panel] : SAME;
  const view = {
    canvas,
    toPicture([x, y], part) {
      const [a, b, c, d] = at(part), across = x * layout.width, down = y * layout.height, last = layout.pieces.length - 1;
      const p = layout.pieces.find((p, k) => k === last || across < p.left + p.by * p.wide && down < p.top + p.by * p.high);
      const [right, under] = [(across - p.left) / p.by + p.x, (down - p.top) / p.by + p.y];
      return [(spec.sharpness * right - a) / b, (spec.sharpness * under - c) / d];
    },
    toCanvas([x, y], part) {
      const [a, b, c, d] = at(part), across = (a + b * x) / spec.sharpness, down = (c + d * y) / spec.sharpness;
      const p = layout.pieces.find(p => across <= p.x + p.wide) || layout.pieces.at(-1);
      return [(p.by * (across - p.x) + p.left) / layout.width, (p.by * (down - p.y) + p.top) / layout.height];
    },
  };
  const guess = spec.guess && guessLine(spec.guess, panel, view, () => refresh());

  const indexOf = part => part.by.reduce((i, name, j) => i * part.sizes[j] + state[names.indexOf(name)], 0);

  function read(part) {
    const index = indexOf(part);
    if (part.ask !== undefined) return { index, at: at(part), get: key => part.answer[key], shape: key => part.shapes[key] };
    return { index, at: at(part), get: key => row(part, key, index), shape: key => part.tables[key].shape };
  }

  let frames = null;           // the frame of the picture, and the narrow one if it has one
  function paint() {
    const S = spec.sharpness, frame = frames && frames[layout.narrow ? 1 : 0];
    if (!frame) return;
    for (const { left, top, by, ...p } of layout.pieces) {
      const [x, y, width, height] = [p.x, p.y, p.wide, p.high].map(v => S * v);
      context.save();
      context.translate(S * left, S * top); context.scale(by, by); context.translate(-x, -y);
      context.beginPath(); context.rect(x, y, width, height); context.clip();
      context.drawImage(frame, x, y, width, height, x, y, width, height);
      for (const [k, part] of spec.parts.entries()) {
        if (part.ask !== undefined && !part.answer || guess && guess.hides(k)) continue;
        const clip = part.clip && placed(at(part), part.clip);
        if (clip && (clip[0] >= x + width || clip[0] + clip[2] <= x)) continue;
        context.save();
        if (clip) { context.beginPath(); context.rect(...clip); context.clip(); }
        draw[part.kind](context, part, read);
        context.restore();
      }
      if (guess) { context.save(); guess.line(context, at(spec.guess)); context.restore(); }
      context.restore();
    }
    if (guess) guess.hold();
  }

  function fit() {             // lays the picture out for the room there is
    layout = arrange(spec, root.clientWidth);
    const { width, height } = layout, S = spec.sharpness;
    if (canvas.width === S * width && canvas.height === S * height) return;
    canvas.width = S * width; canvas.height = S * height;
    context.fillStyle = "white"; context.fillRect(0, 0, canvas.width, canvas.height);
    canvas.parentNode.style.width = width + "px";
    paint();
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

  const bitmap = name => {     // a PNG, or a WebP, which begins with "RIFF"
    const bytes = bytesOf(model.get(name));
    return createImageBitmap(new Blob([bytes], { type: bytes[0] === 82 ? "image/webp" : "image/png" }));
  };
  Promise.all(["background", ...(spec.narrow ? ["narrow"] : [])].map(bitmap)).then(found => {
    frames = found;
    paint();
    root.dispatchEvent(new Event("slt-drawn", { bubbles: true }));
  });
  const sized = new ResizeObserver(fit);
  sized.observe(root);
  fit();
  if (guess) guess.show(); else refresh();
  return () => { model.off("msg:custom", answered); model.off("change:state", follow); sized.disconnect(); };
}

export default { render, arrange };
