// Sets the formulas, lets the keyboard scroll what is wider than the page, and keeps the search from asking for pages
// where the book is opened from disk.
(() => {
  for (const el of document.querySelectorAll(".math"))
    katex.render(el.textContent, el, { displayMode: el.tagName === "DIV", throwOnError: false });

  for (const table of document.querySelectorAll("article table.docutils"))
    if ([...table.querySelectorAll("td")].some(cell => cell.textContent.length > 60)) table.classList.add("slt-cards");

  const wide = "div.math, pre, .slt-table, .slt-drawing, .table-wrapper";
  const reachable = () => {
    for (const el of document.querySelectorAll(wide)) {
      if (el.scrollWidth > el.clientWidth + 1 && getComputedStyle(el).overflowX !== "visible") el.tabIndex = 0;
      else el.removeAttribute("tabindex");
    }
  };
  reachable();
  addEventListener("resize", reachable);
  document.addEventListener("toggle", reachable, true);

  for (const [name, label] of [[".sidebar-drawer", "Pages of the book"], [".toc-drawer", "On this page"]])
    document.querySelector(name)?.setAttribute("aria-label", label);

  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
})();
