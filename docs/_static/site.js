// Sets the formulas, and lets the keyboard scroll what is wider than the page.
(() => {
  const display = el => el.tagName === "DIV";
  for (const el of document.querySelectorAll(".math"))
    katex.render(el.textContent, el, { displayMode: display(el), throwOnError: false });

  const wide = ".math, pre, .slt-table, .table-wrapper";
  const reachable = () => {
    for (const el of document.querySelectorAll(wide)) {
      if (el.scrollWidth > el.clientWidth + 1 && el.clientWidth) el.tabIndex = 0; else el.removeAttribute("tabindex");
    }
  };
  reachable();
  addEventListener("resize", reachable);
  document.addEventListener("toggle", reachable, true);
})();
