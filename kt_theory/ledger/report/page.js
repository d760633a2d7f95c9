"use strict";
// Search, filter and order, kept in the address. Without JavaScript the folds open by hand, and the controls stay hidden.
(() => {
  const named = (id) => document.getElementById(id);
  const [search, verdict, group, order, shown] = ["search", "verdict", "group", "order", "shown"].map(named);
  const [nothing, flat, headlines, statements] = ["nothing", "flat", "headlines", "statements"].map(named);
  const controls = { q: search, verdict, group, order };
  const parts = [...document.querySelectorAll(".part")];
  const folds = [...document.querySelectorAll(".fold")];
  const entries = [...document.querySelectorAll(".statement")].map((entry) => ({
    entry,
    fold: entry.parentElement,
    sought: entry.dataset.sought.toLowerCase().replace(/\bthm\b/g, "theorem"),
  }));
  let byHand = null; // which folds were open before a filter opened those with a match

  // A word begins a word, and a number is a whole one: "Theorem 3.2" finds neither 13.2 nor 3.21.
  function matcher(word) {
    const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const begins = /^[\p{L}\p{N}]/u.test(word) ? "(?<![\\p{L}\\p{N}.])" : "";
    const ends = /\p{N}$/u.test(word) ? "(?![\\p{L}\\p{N}]|\\.\\p{N})" : "";
    return new RegExp(begins + escaped + ends, "u");
  }

  function apply() {
    const words = search.value.toLowerCase().replace(/\bthm\b/g, "theorem").split(/\s+/).filter(Boolean).map(matcher);
    const filtered = Boolean(words.length || verdict.value || group.value);
    let count = 0;
    for (const { entry, sought } of entries) {
      const wanted =
        words.every((word) => word.test(sought)) &&
        (!verdict.value || entry.dataset.verdict.split("|").includes(verdict.value)) &&
        (!group.value || entry.dataset.group === group.value);
      entry.hidden = !wanted;
      count += wanted;
    }
    sort();
    if (filtered && !byHand) byHand = folds.map((fold) => fold.open);
    folds.forEach((fold, i) => {
      fold.hidden = !fold.querySelector(".statement:not([hidden])");
      if (filtered) fold.open = !fold.hidden;
      else if (byHand) fold.open = byHand[i];
    });
    if (!filtered) byHand = null;
    for (const part of parts) part.hidden = !part.querySelector(".fold:not([hidden])");
    if (headlines) headlines.hidden = filtered || Boolean(order.value);
    nothing.hidden = count > 0 || !entries.length;
    statements.hidden = !nothing.hidden;
    shown.value = `${count} of ${entries.length} statements shown`;
  }

  // In another order than the ledger's the statements leave their folds.
  function sort() {
    const sign = { high: -1, low: 1 }[order.value] || 0;
    const ratio = ({ entry }) => (entry.dataset.ratio === "" ? null : Number(entry.dataset.ratio));
    const sorted = [...entries];
    if (sign) {
      // A statement without a ratio goes last either way. Equal ones, infinite ones too, keep the ledger's order.
      sorted.sort((a, b) => {
        const [x, y] = [ratio(a), ratio(b)];
        if (x === null || y === null) return (x === null) - (y === null);
        return x === y ? 0 : x < y ? -sign : sign;
      });
    }
    for (const { entry, fold } of sorted) (sign ? flat : fold).append(entry);
  }

  function write() {
    const chosen = Object.entries(controls).filter(([, control]) => control.value);
    const words = new URLSearchParams(chosen.map(([name, control]) => [name, control.value.trim()])).toString();
    if (words || location.hash.startsWith("#?")) history.replaceState(null, "", words ? `#?${words}` : "#");
  }

  // The address names filters after "#?", or else a statement, to which it leads even if a filter hides it.
  function read() {
    if (location.hash.startsWith("#?")) {
      const words = new URLSearchParams(location.hash.slice(2));
      for (const [name, control] of Object.entries(controls)) {
        control.value = words.get(name) ?? "";
        if (control.selectedIndex === -1) control.value = "";
      }
      apply();
      return;
    }
    let id;
    try {
      id = decodeURIComponent(location.hash.slice(1));
    } catch {
      return; // no place of this page is called so: a % that begins no byte
    }
    const target = named(id);
    if (!target) return;
    if (target.hidden) clear();
    for (let place = target; place; place = place.parentElement) if (place.tagName === "DETAILS") place.open = true;
    target.scrollIntoView();
  }

  function clear() {
    for (const control of Object.values(controls)) control.value = "";
    apply();
  }

  let waiting;
  function changed() {
    apply();
    clearTimeout(waiting);
    waiting = setTimeout(write, 150); // a browser refuses an address that changes too often
  }

  search.addEventListener("input", changed);
  for (const control of [verdict, group, order]) control.addEventListener("change", changed);
  named("clear").addEventListener("click", () => {
    clear();
    write();
    search.focus();
  });
  addEventListener("hashchange", read);
  named("controls").hidden = false;
  apply(); // a browser that goes back restores what was typed
  read();
})();
