// How the search of the site orders what it found: a heading that is what was asked for before a page that has its words
// somewhere. The numbers are those of Sphinx, whose script declares it by `var` as well.
var Scorer = {
  score: ([, , , , score, , kind]) => score + (kind === "title" ? 20 : 0),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
