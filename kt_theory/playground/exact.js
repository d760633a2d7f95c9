// The exact expected risks of kt_theory, for rows of at most two positive probabilities and zeros: what every teacher
// of this page has. A row is { k: [k1, k2], p: [p1, p2], zeros: z }: k1 labels of probability p1, k2 of p2, z of 0.
// The same formulas as kt_theory.exact, tested against kt_theory.expected_risk in a browser.

// --- Binomials --------------------------------------------------------------------------------------------

const STIRLING = [0, 0.08106146679532726, 0.04134069595540929, 0.02767792568499834, 0.02079067210376509,
  0.01664469118982119, 0.01387612882307075, 0.01189670994589177, 0.01041126526197209, 0.009255462182712733,
  0.008330563433362871];

// log n! less Stirling's formula without its series.
function stirlingError(n) {
  if (n <= 10) return STIRLING[n];
  const m = 1 / (n * n);
  return (1 / 12 - m * (1 / 360 - m * (1 / 1260 - m * (1 / 1680 - m / 1188)))) / n;
}

// x log(x / mean) + mean - x, without cancellation near x = mean.
function deviance(x, mean) {
  if (Math.abs(x - mean) < 0.1 * (x + mean)) {
    const v = (x - mean) / (x + mean);
    let sum = (x - mean) * v, term = 2 * x * v;
    for (let j = 1; j < 1000; j++) {
      term *= v * v;
      const next = sum + term / (2 * j + 1);
      if (next === sum) return next;
      sum = next;
    }
  }
  return x * Math.log(x / mean) + mean - x;
}

// P(Bin(n, p) = x), in Loader's saddle-point form.
function pmf(x, n, p) {
  if (x < 0 || x > n) return 0;
  if (p <= 0) return x === 0 ? 1 : 0;
  if (p >= 1) return x === n ? 1 : 0;
  if (x === 0) return Math.exp(n * Math.log1p(-p));
  if (x === n) return Math.exp(n * Math.log(p));
  const series = stirlingError(n) - stirlingError(x) - stirlingError(n - x);
  const exponent = series - deviance(x, n * p) - deviance(n - x, n * (1 - p));
  return Math.exp(exponent) * Math.sqrt(n / (2 * Math.PI * x * (n - x)));
}

// The numbers where Bin(n, p) has its mass but for some 1e-13, first and last.
function span(n, p) {
  const reach = 7.6 * Math.sqrt(n * p * (1 - p)) + 24;
  return [Math.max(0, Math.ceil(n * p - reach)), Math.min(n, Math.floor(n * p + reach))];
}

// The law of Bin(n, p) on its window: { first, weights }.
function law(n, p) {
  const [first, last] = span(n, p);
  const weights = new Float64Array(last - first + 1);
  const mode = Math.min(last, Math.max(first, Math.floor((n + 1) * p)));
  weights[mode - first] = pmf(mode, n, p);
  const odds = p / (1 - p);
  for (let x = mode; x < last; x++) weights[x + 1 - first] = weights[x - first] * ((n - x) / (x + 1)) * odds;
  for (let x = mode; x > first; x--) weights[x - 1 - first] = weights[x - first] * (x / (n - x + 1)) / odds;
  return { first, weights };
}

// --- What a visited or unvisited row costs -----------------------------------------------------------------

// TV(Uniform, row).
function unvisited(row) {
  const A = row.k[0] + row.k[1] + row.zeros, u = 1 / A;
  return 0.5 * (row.k[0] * Math.abs(row.p[0] - u) + row.k[1] * Math.abs(row.p[1] - u) + row.zeros * u);
}

// E|Bin(m, p) - m p| / m, de Moivre.
function meanDeviation(m, p) {
  if (p <= 0 || p >= 1) return 0;
  const v = Math.floor(m * p) + 1;
  return 2 * v * (1 - p) * pmf(v, m, p) / m;
}

// E TV of the frequencies after m visits.
function rowSgl(row, m) {
  return 0.5 * (row.k[0] * meanDeviation(m, row.p[0]) + row.k[1] * meanDeviation(m, row.p[1]));
}

// What ADD_sgl adds to each of A counts after m visits.
function added(m, A) {
  return A > 1 ? 0.4 * Math.sqrt(m / (A - 1)) : 0;
}

// P(Bin(m, p) <= c) for m = first, first + 1, ... and any c, each from the one before by a few probabilities:
// F(c; m + 1) = F(c; m) - p P(Bin(m, p) = c).
function cumulative(p) {
  let m = -1, c = -1, value = 0;
  return (size, at) => {
    if (at < 0 || at >= size) return at < 0 ? 0 : 1;
    if (m < 0 || size < m || c >= size) {
      [m, c, value] = [size, at, 0];
      for (let x = Math.max(0, span(m, p)[0]); x <= at; x++) value += pmf(x, m, p);
    }
    for (; m < size; m++) value -= p * pmf(c, m, p);
    while (c < at) value += pmf(++c, m, p);
    while (c > at) value -= pmf(c--, m, p);
    return value;
  };
}

// E TV of the raised frequencies after m visits, for m in ascending order. With X = Bin(m, p), c = floor(t):
// E|X - t| = (t - m p)(2 P(X <= c) - 1) + 2 m p (1 - p) P(Bin(m - 1, p) = c).
function addCost(row) {
  const A = row.k[0] + row.k[1] + row.zeros, below = row.p.map((p) => (p > 0 && p < 1 ? cumulative(p) : null));
  const distance = (i, m, t) => {
    const p = row.p[i], c = Math.floor(t), off = t - m * p;
    if (!below[i]) return Math.abs(off);
    return off * (2 * below[i](m, c) - 1) + 2 * m * p * (1 - p) * pmf(c, m - 1, p);
  };
  return (_, m) => {
    const c = added(m, A), total = m + A * c;
    let sum = row.zeros * c;
    for (const i of [0, 1]) if (row.k[i]) sum += row.k[i] * distance(i, m, row.p[i] * total - c);
    return 0.5 * sum / total;
  };
}

// The law of Bin(t, 1/k) with its sums from the left; the same few hundred are asked for again and again.
const KEPT = new Map();
function sums(t, k) {
  const key = t * 1024 + k;
  let kept = KEPT.get(key);
  if (kept === undefined) {
    const { first, weights } = law(t, 1 / k), size = weights.length;
    const below = new Float64Array(size + 1), moment = new Float64Array(size + 1);
    for (let i = 0; i < size; i++) {
      below[i + 1] = below[i] + weights[i];
      moment[i + 1] = moment[i] + weights[i] * (first + i);
    }
    kept = { first, size, below, moment };
    if (KEPT.size > 20000) KEPT.clear();
    KEPT.set(key, kept);
  }
  return kept;
}

// E|Bin(t, 1/k) - c|.
function offCentre(t, k, c) {
  if (k === 1) return Math.abs(t - c);
  if (t === 0) return Math.abs(c);
  const { first, size, below, moment } = sums(t, k);
  const cut = Math.min(size, Math.max(0, Math.floor(c) - first + 1)); // how many numbers are at most c
  return c * (2 * below[cut] - below[size]) - 2 * moment[cut] + moment[size];
}

// E TV of the weighted frequencies after m visits: class totals, then the labels of a class within its total.
function rowPtl(row, m) {
  const [k1, k2] = row.k, [p1, p2] = row.p;
  if (k2 === 0 || p2 === 0) return 0.5 * k1 * p1 * offCentre(m, k1, m * p1) / (m * p1);
  const totals = law(m, k1 * p1);
  let sum = 0;
  for (let i = 0; i < totals.weights.length; i++) {
    const t = totals.first + i, weight = p1 * t + p2 * (m - t);
    const first = k1 * p1 * offCentre(t, k1, weight), second = k2 * p2 * offCentre(m - t, k2, weight);
    sum += totals.weights[i] * 0.5 * (first + second) / weight;
  }
  return sum;
}

// --- Expected risks at all n of a grid ---------------------------------------------------------------------

// (1 - rho)^n, the probability that an input is not visited.
function missed(n, rho) {
  return Math.exp(n * Math.log1p(-rho));
}

// The mean over visits ~ Bin(n, rho) of cost(m), and what an unvisited input costs. The latter may be all there is, and
// outside the window.
function overVisits(row, n, rho, cost) {
  const visits = law(n, rho);
  let sum = missed(n, rho) * unvisited(row);
  for (let i = 0; i < visits.weights.length; i++) {
    const m = visits.first + i;
    if (m > 0 && visits.weights[i] > 0) sum += visits.weights[i] * cost(row, m);
  }
  return sum;
}

// What an input costs SEL_ptl, uniform, while a labels of the first class and b of the second are unseen.
function costsOfUnseen(row) {
  const [k1, k2] = row.k, width = k2 + 1, costs = new Float64Array((k1 + 1) * width);
  for (let a = 0; a <= k1; a++) {
    for (let b = 0; b <= k2; b++) {
      const unseen = a + b + row.zeros, mass = a * row.p[0] + b * row.p[1], q = unseen ? mass / unseen : 0;
      // Unseen labels that are all alike get what they have: nothing is lost, not even by rounding.
      if (unseen === a || unseen === b || unseen === row.zeros) continue;
      costs[a * width + b] = 0.5 * (a * Math.abs(row.p[0] - q) + b * Math.abs(row.p[1] - q) + row.zeros * q);
    }
  }
  return costs;
}

// The chain of the numbers (a, b) of unseen labels: steps(j) is its matrix over 2^j samples, by squaring, as a function
// of two states. All terms are positive, so nothing cancels; the diagonal, (1 - leaving)^(2^j), is taken anew each
// time, so that its error does not double with j.
function unseenChain(row, rho) {
  const [k1, k2] = row.k, width = k2 + 1, size = (k1 + 1) * width, w1 = rho * row.p[0], w2 = rho * row.p[1];
  const matrices = [];
  const diagonal = (a, b, n) => {
    const leaving = Math.min(1, a * w1 + b * w2);
    return leaving === 1 ? 0 : Math.exp(n * Math.log1p(-leaving));
  };
  const first = () => {
    const found = new Float64Array(size * size);
    for (let a = 0; a <= k1; a++) {
      for (let b = 0; b <= k2; b++) {
        const i = a * width + b;
        found[i * size + i] = diagonal(a, b, 1);
        if (a > 0) found[i * size + i - width] = a * w1;
        if (b > 0) found[i * size + i - 1] = b * w2;
      }
    }
    return found;
  };
  const squared = (T, n) => {
    const found = new Float64Array(size * size);
    for (let a = 0; a <= k1; a++) {
      for (let b = 0; b <= k2; b++) {
        const i = a * width + b;
        for (let c = 0; c <= a; c++) {
          for (let d = 0; d <= b; d++) {
            const k = c * width + d, through = T[i * size + k];
            if (through === 0) continue;
            for (let e = 0; e <= c; e++) {
              for (let f = 0; f <= d; f++) found[i * size + e * width + f] += through * T[k * size + e * width + f];
            }
          }
        }
        found[i * size + i] = diagonal(a, b, n);
      }
    }
    return found;
  };
  const steps = (j) => {
    for (let i = matrices.length; i <= j; i++) matrices.push(i ? squared(matrices[i - 1], 2 ** i) : first());
    return matrices[j];
  };
  // The law of the states after n samples.
  return (n) => {
    let masses = new Float64Array(size);
    masses[size - 1] = 1;
    for (let j = 0; 2 ** j <= n; j++) {
      if (Math.floor(n / 2 ** j) % 2 === 0) continue;
      const T = steps(j), next = new Float64Array(size);
      for (let i = 0; i < size; i++) {
        if (masses[i] > 0) for (let k = 0; k <= i; k++) next[k] += masses[i] * T[i * size + k];
      }
      masses = next;
    }
    return masses;
  };
}

// SEL_ptl at every n of a grid.
function sel(row, rho, grid) {
  const costs = costsOfUnseen(row);
  const lawAfter = unseenChain(row, rho);
  return grid.map((n) => lawAfter(n).reduce((sum, mass, i) => sum + mass * costs[i], 0));
}

// The cost of a visited row, as a function of the row and of the visits.
const OF_A_VISITED_ROW = { CE_sgl: () => rowSgl, ADD_sgl: addCost, CE_ptl: () => rowPtl };

// CE_ptl goes through pairs of numbers, visits and a class's: beyond so many samples it takes too long.
const MOST_OF = { CE_ptl: 5000 };

// Expected risks of a problem, { inputs: [{ times, rho, row }] }, at every n of a grid; NaN beyond a learner's most.
function expectedRisks(problem, learner, grid) {
  if (grid.some((n) => n > MOST_OF[learner])) {
    return grid.map((n) => (n > MOST_OF[learner] ? NaN : expectedRisks(problem, learner, [n])[0]));
  }
  const total = grid.map(() => 0);
  for (const { times, rho, row } of problem.inputs) {
    let part;
    if (learner === "SEL_ptl") part = sel(row, rho, grid);
    else if (learner === "CE_ful") part = grid.map((n) => missed(n, rho) * unvisited(row));
    else part = grid.map((n) => overVisits(row, n, rho, OF_A_VISITED_ROW[learner](row)));
    for (let i = 0; i < grid.length; i++) total[i] += times * rho * part[i];
  }
  return total;
}

// The risk that stays, however large n is: CE_ptl converges to the row proportional to p^2, the others to the teacher.
function biasOf(problem) {
  let total = 0;
  for (const { times, rho, row: { k: [k1, k2], p: [p1, p2] } } of problem.inputs) {
    const square = k1 * p1 * p1 + k2 * p2 * p2;
    total += times * rho * 0.5 * (k1 * Math.abs(p1 * p1 / square - p1) + k2 * Math.abs(p2 * p2 / square - p2));
  }
  return total;
}
