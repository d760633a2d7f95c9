// The formulas of the scenes, in MathML.

const Formulas = (() => {
  const math = (inside) => `<math>${inside}</math>`;
  const mi = (x) => `<mi>${x}</mi>`, mn = (x) => `<mn>${x}</mn>`, mo = (x) => `<mo>${x}</mo>`;
  const frac = (over, under) => `<mfrac><mrow>${over}</mrow><mrow>${under}</mrow></mfrac>`;
  const pow = (base, exponent) => `<msup><mrow>${base}</mrow><mrow>${exponent}</mrow></msup>`;
  const sub = (base, index) => `<msub><mrow>${base}</mrow><mrow>${index}</mrow></msub>`;
  const row = (...parts) => `<mrow>${parts.join("")}</mrow>`;
  const root = (inside) => `<msqrt>${inside}</msqrt>`;
  const paren = (inside) => row(mo("("), inside, mo(")"));
  const bar = "<mtext>|</mtext>"; // an operator would grow with what stands beside it
  const n1 = paren(row(mn(1), mo("−"), mi("ρ")));

  return {
    distance: math(row(mi("risk"), mo("="), frac(mn(1), mn(2)),
      `<munder><mo>∑</mo>${row(mi("s"), mo(","), mi("a"))}</munder>`, sub(mi("ρ"), mi("s")),
      bar, sub(mi("q"), row(mi("s"), mi("a"))), mo("−"), sub(mi("p"), row(mi("s"), mi("a"))), bar)),
    square: math(row(sub(mi("q"), mi("a")), mo("→"), frac(pow(sub(mi("p"), mi("a")), mn(2)),
      row("<munder><mo>∑</mo><mi>b</mi></munder>", pow(sub(mi("p"), mi("b")), mn(2)))))),
    missed: math(row(mi("E"), mo(" "), mi("risk"), mo("="), pow(n1, mi("n")), mi("TV"),
      paren(row(mi("uniform"), mo(","), mi("p"))))),
    unseen: math(row(pow(paren(row(mn(1), mo("−"), frac(mn(1), mi("n")))), mi("n")), mo("≈"),
      frac(mn(1), mi("e")), mo("≈"), mn("0.37"))),
    rates: math(row(root(frac(row(mi("S"), mi("A")), mi("n"))), mo(","), "<mspace width='1em'/>",
      frac(row(mi("S"), mi("A")), mi("n")), mo(","), "<mspace width='1em'/>", frac(mi("S"), mi("n")))),
    rescaled: math(row(mi("TV"), paren(row(frac(sub(mi("p"), mi("K")), mi("P")), mo(","), mi("p"))), mo("="), mn(1),
      mo("−"), mi("P"))),
    focal: math(row(mo("−"), pow(paren(row(mn(1), mo("−"), sub(mi("q"), mi("y")))), mi("γ")), mi("log"),
      sub(mi("q"), mi("y")))),
  };
})();
