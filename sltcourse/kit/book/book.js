// Puts live figures and guesses into the pages of the book. A place is a .slt-figure with a still picture; as it comes
// near the screen, the script with its numbers is loaded, and live.js or guess.js draws there. No kernel, no request
// that a page opened from disk may not make.
(() => {
const WORDS = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array };
const ROOT = document.documentElement.dataset.content_root || "./";   // the way from this page to the site's root
const told = new Map();                    // a figure's text by its key, promised

function figure(key) {
  if (!told.has(key)) {
    const one = {};
    one.text = new Promise(done => { one.done = done; });
    told.set(key, one);
  }
  return told.get(key);
}

// What the figures' scripts call.
sltcourse.figure = (key, text) => Object.assign(figure(key), { here: true }).done(text);

function load(key) {
  const one = figure(key);
  if (one.here) return one.text;
  const script = document.createElement("script");
  script.src = `${ROOT}_live/${key}.js`;
  document.head.append(script);
  return Promise.race([one.text, new Promise((_, failed) => { script.onerror = () => { script.remove(); failed(new Error("no script")); }; })]);
}

// The opposite of packed.py: text, deflated bytes, a head and its buffers, tables from their differences.
async function unpack(text) {
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  const whole = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
  const length = new DataView(whole).getUint32(0, true), head = JSON.parse(new TextDecoder().decode(new Uint8Array(whole, 4, length)));
  let next = 4 + length;
  for (const [name, size] of head.buffers) {
    head.values[name] = new DataView(whole, next, size);
    next += size;
  }
  for (const filter of head.filters) restore(head.values.tables, ...filter);
  return head;
}

function restore(tables, at, size, rows, count, steps) {
  const planes = new Uint8Array(tables.buffer, tables.byteOffset + at, size * rows * count), bytes = new Uint8Array(planes.length);
  for (let k = 0, n = rows * count; k < size; k++) for (let i = 0; i < n; i++) bytes[i * size + k] = planes[k * n + i];
  const words = new WORDS[size](bytes.buffer);
  for (const step of [...steps].reverse()) {
    if (step === "s") for (let i = count; i < words.length; i++) words[i] += words[i - count];
    else for (let i = 0; i < words.length; i++) if (i % count) words[i] += words[i - 1];
  }
  planes.set(bytes);
}

// Keeps the room free that the live figure will take, so that nothing below it jumps.
function reserve(place) {
  const room = place.clientWidth, still = place.querySelector(".slt-still");
  if (!place.dataset.shape || !still || !room) return;
  const shape = JSON.parse(place.dataset.shape), { width, height } = sltcourse.live.arrange(shape, room), scale = Math.min(1, room / width);
  Object.assign(still.style, { width: scale * width + "px", height: scale * height + "px", objectFit: "contain", objectPosition: "top" });
  const coarse = matchMedia("(pointer: coarse)").matches, line = coarse ? 48 : 28, wrapped = 8 * shape.reading + 190 > room ? 21 : 0;
  const question = shape.guess && 16 + 20 * Math.ceil(8.6 * shape.guess / room) + line + (room < 460 ? line : 0);
  place.style.paddingTop = 11 + shape.controls * (line + wrapped) + question + "px";
}

async function show(place) {
  const { view, values } = await unpack(await load(place.dataset.figure));
  const el = document.createElement("div"), drawn = new Promise(done => el.addEventListener("slt-drawn", done, { once: true }));
  el.className = "slt-coming";
  place.append(el);
  sltcourse[view].render({ model: { get: name => values[name], set() {}, on() {}, off() {}, save_changes() {}, send() {} }, el });
  await drawn;
  for (const old of [...place.children]) if (old !== el) old.remove();
  el.className = "";
  place.style.paddingTop = "";
}

// The gallery's lines for other pages get this site's address, and a button that copies them.
function embeds() {
  for (const box of document.querySelectorAll(".slt-embed")) {
    const code = box.querySelector("code"), button = box.querySelector("button");
    code.textContent = code.textContent.replace('src="', `src="${new URL(ROOT, location.href)}`);
    button.addEventListener("click", async () => {
      getSelection().selectAllChildren(code);
      try { await navigator.clipboard.writeText(code.textContent); button.textContent = "Copied"; } catch { button.textContent = "Selected"; }
    });
  }
}

function start() {
  embeds();
  const places = [...document.querySelectorAll(".slt-figure")];
  const near = new IntersectionObserver(entries => {
    for (const { isIntersecting, target } of entries) if (isIntersecting && !target.dataset.shown) {
      target.dataset.shown = "true";
      show(target).catch(error => {        // the still picture stays until the figure is met again
        console.error(target.dataset.figure, error);
        delete target.dataset.shown;
      });
    }
  }, { rootMargin: "100% 0px" });
  places.forEach(place => { reserve(place); near.observe(place); });
  addEventListener("resize", () => places.forEach(reserve));
}
if (document.readyState === "loading") addEventListener("DOMContentLoaded", start); else start();
})();
