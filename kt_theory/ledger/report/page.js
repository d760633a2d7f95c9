"use strict";
// Filter, search and order. Without JavaScript the page is whole, and these controls stay hidden.
(() => {
  const named = (id) => document.getElementById(id);
  const [search, verdict, group, order, shown] = ["search", "verdict", "group", "order", "shown"].map(named);
  const body = named("board").tBodies[0];
  const head = named("ratio-head");
  const entries = [...body.rows].map((row) => {
    const section = named(row.dataset.section);
    return { row, section, text: (row.textContent + " " + section.textContent).toLowerCase() };
  });

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const { row, section, text } of entries) {
      const wanted =
        words.every((word) => text.includes(word)) &&
        (!verdict.value || row.dataset.verdict.split("|").includes(verdict.value)) &&
        (!group.value || row.dataset.group === group.value);
      row.hidden = section.hidden = !wanted;
      count += wanted;
    }
    shown.value = `${count} of ${entries.length} statements shown`;
  }

  function sort() {
    const sign = { high: -1, low: 1 }[order.value] || 0;
    const ratio = ({ row }) => (row.dataset.ratio === "" ? null : Number(row.dataset.ratio));
    const sorted = [...entries];
    if (sign) {
      // A statement without a ratio goes last either way. Equal ones, infinite ones too, keep the ledger's order.
      sorted.sort((a, b) => {
        const [x, y] = [ratio(a), ratio(b)];
        if (x === null || y === null) return (x === null) - (y === null);
        return x === y ? 0 : x < y ? -sign : sign;
      });
    }
    body.append(...sorted.map(({ row }) => row));
    head.setAttribute("aria-sort", { high: "descending", low: "ascending" }[order.value] || "none");
  }

  // A link to a statement that the filter hides must still lead there.
  function reveal() {
    let id;
    try {
      id = decodeURIComponent(location.hash.slice(1));
    } catch {
      return; // no place of this page is called so: a % that begins no byte
    }
    const target = named(id);
    if (!target || !target.hidden) return;
    search.value = verdict.value = group.value = "";
    filter();
    target.scrollIntoView();
  }

  const button = document.createElement("button");
  button.type = "button";
  button.textContent = head.textContent;
  button.title = "Order by ratio";
  button.addEventListener("click", () => {
    order.value = order.value === "high" ? "low" : "high";
    sort();
  });
  head.replaceChildren(button);

  search.addEventListener("input", filter);
  verdict.addEventListener("change", filter);
  group.addEventListener("change", filter);
  order.addEventListener("change", sort);
  addEventListener("hashchange", reveal);
  named("controls").hidden = false;
  // A browser that goes back restores what was typed: begin with that.
  filter();
  sort();
})();
