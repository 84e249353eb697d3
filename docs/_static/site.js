// Sets the formulas, shows and lets the keyboard reach what is wider than the page, prepares tables and outputs for
// narrow screens, and keeps the search from asking for pages where the book is opened from disk.
(() => {
  for (const el of document.querySelectorAll(".math"))
    katex.render(el.textContent, el, { displayMode: el.tagName === "DIV", throwOnError: false });

  for (const table of document.querySelectorAll("article table.docutils")) {
    if (![...table.querySelectorAll("td")].some(cell => cell.textContent.length > 60)) continue;
    table.classList.add("slt-cards");
    const heads = [...table.querySelectorAll("thead th")].map(head => head.querySelector(".katex") ? "" : head.textContent.trim());
    for (const row of table.querySelectorAll("tbody tr")) for (const [k, cell] of [...row.cells].entries())
      if (k && heads[k] && /^[\d.,]+$/.test(cell.textContent.trim())) cell.dataset.head = heads[k];   // "55" says nothing alone
  }
  for (const pre of document.querySelectorAll("div.cell_output pre"))   // sentences, not columns
    if (!/\S {2,}\S/.test(pre.textContent)) pre.classList.add("slt-lines");

  const wide = "div.math, pre, .slt-table, .slt-drawing, .table-wrapper";
  const more = el => el.classList.toggle("slt-more", el.tabIndex === 0 && el.scrollLeft + el.clientWidth < el.scrollWidth - 1);
  const reachable = () => {
    for (const el of document.querySelectorAll(wide)) {
      if (el.scrollWidth > el.clientWidth + 1 && getComputedStyle(el).overflowX !== "visible") el.tabIndex = 0;
      else el.removeAttribute("tabindex");
      more(el);
    }
  };
  reachable();
  addEventListener("resize", reachable);
  document.addEventListener("toggle", reachable, true);
  document.addEventListener("scroll", event => event.target.matches?.(wide) && more(event.target), true);

  for (const [name, label] of [[".sidebar-drawer", "Pages of the book"], [".toc-drawer", "On this page"]])
    document.querySelector(name)?.setAttribute("aria-label", label);

  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
})();
