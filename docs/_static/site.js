// Sets the formulas, shows and lets the keyboard reach what is wider than the page, prepares tables and outputs for
// narrow screens, and keeps the search from asking for pages where the book is opened from disk.
(() => {
  for (const el of document.querySelectorAll(".math"))
    katex.render(el.textContent, el, { displayMode: el.tagName === "DIV", throwOnError: false });

  // A short formula and the comma or full stop behind it stay on one line; browsers break there otherwise.
  for (const math of document.querySelectorAll("span.math")) {
    const el = math.closest("a.symbol") || math, next = el.nextSibling;
    const end = next?.nodeType === Node.TEXT_NODE && next.data.match(/^[.,;:!?)]+/);
    if (!end || math.querySelector(".katex-html")?.textContent.length > 20) continue;
    next.splitText(end[0].length);
    const whole = document.createElement("span");
    whole.className = "slt-whole";
    el.replaceWith(whole);
    whole.append(el, next);
  }

  // Which tables are lists of cards on a telephone (site.css). A card says what its columns are; short cells share a line.
  for (const table of document.querySelectorAll("article table.docutils")) {
    const heads = [...table.querySelectorAll("thead :is(th, td)")].map(cell => cell.querySelector(".katex") ? "" : cell.textContent.trim());
    const rows = [...table.querySelectorAll("tbody tr")].map(row => [...row.cells]);
    const longest = heads.map((_, k) => Math.max(...rows.map(cells => cells[k]?.textContent.length ?? 0)));
    const most = Math.max(...longest);
    if (heads.length === 2 ? most <= 60 || longest[0] <= 12 : most <= (heads.length > 3 ? 20 : 60)) continue;
    table.classList.add("slt-cards");
    if (heads.length > 2) for (const cells of rows) for (const [k, cell] of cells.entries()) if (k && heads[k] && cell.textContent.trim()) {
      cell.dataset.head = heads[k];
      cell.classList.toggle("slt-short", cell.textContent.length <= 12 && !cell.querySelector(".math"));
    }
  }
  for (const pre of document.querySelectorAll("div.cell_output pre"))   // sentences, not columns
    if (!/\S {2,}\S/.test(pre.textContent)) pre.classList.add("slt-lines");

  // What is wider than the page is moved sideways, by the keyboard too; its edge fades while there is more to come.
  const wide = "div.math, pre, .slt-table, .slt-drawing, .table-wrapper";
  const fade = el => el.classList.toggle("slt-more", el.tabIndex === 0 && el.scrollWidth - el.clientWidth - el.scrollLeft > 1);
  const reachable = () => {
    for (const el of document.querySelectorAll(wide)) {
      if (el.scrollWidth > el.clientWidth + 1 && getComputedStyle(el).overflowX !== "visible") el.tabIndex = 0;
      else el.removeAttribute("tabindex");
      fade(el);
    }
  };
  reachable();
  document.fonts.ready.then(reachable);
  addEventListener("resize", reachable);
  document.addEventListener("toggle", reachable, true);
  document.addEventListener("scroll", ({ target }) => { if (target.matches?.(wide)) fade(target); }, true);

  for (const [name, label] of [[".sidebar-drawer", "Pages of the book"], [".toc-drawer", "On this page"]])
    document.querySelector(name)?.setAttribute("aria-label", label);

  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
})();
