// Values under a pointer and under the keyboard's focus: a picture that has `spots`, { x, y, say } in the units of its
// viewBox, says the nearest one. With the picture in focus the arrow keys go from one to the next.

const Probe = (() => {
  const tip = document.getElementById("tip");
  let shown = null; // { svg, spot }

  function place(svg, spot) {
    shown = { svg, spot };
    const box = svg.getBoundingClientRect(), view = svg.viewBox.baseVal;
    const x = box.left + (spot.x - view.x) * box.width / view.width;
    const y = box.top + (spot.y - view.y) * box.height / view.height;
    tip.hidden = false;
    if (tip.textContent !== spot.say) tip.textContent = spot.say;
    const wide = tip.offsetWidth, most = document.documentElement.clientWidth - wide - 4;
    tip.style.left = `${Math.max(4, Math.min(most, x - wide / 2))}px`;
    tip.style.top = `${Math.max(2, y - tip.offsetHeight - 12)}px`;
  }

  function hide() {
    shown = null;
    tip.hidden = true;
  }

  function nearest(svg, event) {
    const box = svg.getBoundingClientRect(), view = svg.viewBox.baseVal;
    const x = view.x + (event.clientX - box.left) * view.width / box.width;
    const y = view.y + (event.clientY - box.top) * view.height / box.height;
    let best = null, least = 40 ** 2;
    for (const spot of svg.spots ?? []) {
      const off = (spot.x - x) ** 2 + (spot.y - y) ** 2;
      if (off < least) [best, least] = [spot, off];
    }
    return best;
  }

  // The next spot in a direction: what lies aside counts thrice.
  function towards(svg, from, [right, down]) {
    let best = from, least = Infinity;
    for (const spot of svg.spots) {
      const x = spot.x - from.x, y = spot.y - from.y, ahead = x * right + y * down;
      const off = ahead + 3 * Math.abs(x * down) + 3 * Math.abs(y * right);
      if (ahead > 0.5 && off < least) [best, least] = [spot, off];
    }
    return best;
  }

  const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function attach(svg) {
    svg.setAttribute("tabindex", "0");
    svg.addEventListener("pointermove", (event) => {
      const spot = nearest(svg, event);
      if (spot) place(svg, spot);
      else hide();
    });
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("focus", () => {
      if (svg.matches(":focus-visible") && svg.spots?.length) place(svg, svg.spots[0]);
    });
    svg.addEventListener("blur", hide);
    svg.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
      if (!WAYS[event.key] || !svg.spots?.length) return;
      event.preventDefault();
      event.stopPropagation();
      place(svg, shown?.svg === svg ? towards(svg, shown.spot, WAYS[event.key]) : svg.spots[0]);
    });
  }

  addEventListener("scroll", hide, { passive: true });
  return { attach, hide };
})();
