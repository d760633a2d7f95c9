"""What readers are told beyond the file: roles of columns, bad lines, alphabets, repeats, wide counts, matrices."""

import io
import json
import math

import numpy as np
import pandas as pd
import pytest

import kt_theory as kt
from kt_theory import logs, tables
from kt_theory.cli import main
from kt_theory.refusals import Note, Refusal


def written(folder, text, name="records.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# --- Columns --------------------------------------------------------------------------------------------

OWN = 'prompt,answer,lp,state\nq1,yes,-0.25,x\nq1,"",-2,y\n'


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_columns_have_the_roles_that_a_user_gives_them(suffix, tmp_path):
    # Oracle: identity, the same table under the known names; a column named state is then another one's
    path = written(tmp_path, OWN)
    frame = pd.read_csv(path, keep_default_na=False)
    if suffix == ".parquet":
        frame.to_parquet(tmp_path / "r.parquet")
        path = tmp_path / "r.parquet"
    roles = {"state": "prompt", "action": "answer", "logprob": "lp"}
    known = frame.drop(columns="state").rename(columns={name: role for role, name in roles.items()})
    wanted = kt.TransferSet.from_records(known, other="?")
    with pytest.warns(Note, match="1 column is left alone: state$"):
        found = tables.read_records(path, columns=roles, other="?")
    assert (found.protocol, found.states, found.actions) == (wanted.protocol, wanted.states, wanted.actions)
    np.testing.assert_array_equal(found.revealed, wanted.revealed)
    with pytest.warns(Note, match="left alone"):
        teacher = tables.read_teacher(path, columns=roles, other="?")
    assert teacher.actions == ("yes", "", "?")


def test_columns_of_annotators_are_as_many_samples_as_cells(tmp_path):
    # Oracle: enumeration, by hand; an empty cell is no label
    path = written(tmp_path, "item,ann_a,ann_b,ann_c\nt1,cat,,dog\nt2,dog,dog,dog\n")
    data = tables.read_records(path, columns={"state": "item", "action": ["ann_a", "ann_b", "ann_c"]})
    assert (data.states, data.actions, data.counts.tolist()) == (("t1", "t2"), ("cat", "dog"), [[1, 1], [0, 3]])
    long = written(tmp_path, "task,worker,label\nt1,w1,cat\nt1,w2,cat\nt2,w1,dog\n")
    with pytest.warns(Note, match="left alone: worker"):
        assert tables.read_records(long, columns={"state": "task", "action": "label"}).counts.tolist() == [
            [2, 0],
            [0, 1],
        ]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["state"], "must map roles"),
        ({"input": "prompt"}, "names the role 'input': roles are state, action"),
        ({"state": "nothing"}, "no column 'nothing'; its columns are prompt, answer, lp, state$"),
        ({"state": "prompt", "action": "prompt"}, "one column two roles"),
        ({"state": ["prompt", "answer"]}, "gives state 2 columns"),
        ({"state": 5}, r"columns\['state'\] is 5"),
    ],
)
def test_bad_roles(columns, said, tmp_path):
    # Oracle: enumeration
    with pytest.raises(ValueError, match=said):
        tables.read_records(written(tmp_path, OWN), columns=columns)


def test_a_refusal_lists_the_columns_and_the_command_takes_them(tmp_path, capsys):
    # Oracle: identity, what the sentence says to do does it
    path = written(tmp_path, "prompt,answer,logprob\nq1,yes,-0.25\n")
    assert main(["fit", str(path)]) == 2
    assert (
        "or say which it is with --columns state=prompt; its columns are prompt, answer, logprob"
        in capsys.readouterr().err
    )
    words = ["--columns", "state=prompt", "action=answer"]
    assert main(["fit", str(path), "--other", *words]) == 0
    codons = written(tmp_path, "acid,codon,share\nM,AUG,1\nW,UGG,1\n", "codons.csv")
    simulate = ["simulate", "--teacher", str(codons), "--n", "10", "--reps", "5"]
    assert main(simulate) == 2
    assert "--columns state=acid" in capsys.readouterr().err
    assert main([*simulate, "--columns", "state=acid", "action=codon", "probability=share"]) == 0
    with pytest.raises(SystemExit):
        main(["fit", str(path), "--columns", "state"])
    assert "a role and a column" in capsys.readouterr().err


# --- Bad lines ------------------------------------------------------------------------------------------


def test_bad_lines_are_left_out_and_listed(tmp_path, capsys):
    # Oracle: enumeration: lines 3, 4, 5 and 6 are bad, each in another way, and the rest is fitted
    text = "s,a,logp\nx,yes,-0.5\nx,no,0.7\nx,maybe,oops\n,no,-2\nx,no\ny,yes,-0.25\n"
    path, out = written(tmp_path, text), tmp_path / "skipped.csv"
    with pytest.raises(ValueError, match="4 lines are bad"):
        tables.read_records(path, other="?")
    with pytest.warns(Note, match=f"4 lines are left out as bad, and listed in {out}"):
        data = tables.read_records(path, other="?", skip_bad=out)
    assert (data.n, data.states, data.actions) == (2, ("x", "y"), ("yes", "?"))
    skipped = pd.read_csv(out, keep_default_na=False)
    assert skipped["line"].tolist() == [3, 4, 5, 6]
    assert skipped["fault"].str.contains("at most 0|not a number|missing|2 cells").all()
    assert skipped["logp"].tolist() == ["0.7", "oops", "-2", ""]
    assert main(["fit", str(path), "--other", "--skip-bad", str(out)]) == 0
    assert "4 lines are left out as bad" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"skipped\.txt: its name must end in"):
        tables.read_records(path, skip_bad=tmp_path / "skipped.txt")


def test_names_outside_of_the_alphabet_are_bad_lines_and_a_law_that_is_none_is_no_line(tmp_path):
    # Oracle: enumeration
    path, out = written(tmp_path, "s,a,p\nx,u,0.75\nx,v,0.5\n"), tmp_path / "skipped.parquet"
    with pytest.raises(ValueError, match=r"sum to 1\.25"):
        tables.read_records(path, skip_bad=out)
    assert not out.exists()
    with pytest.warns(Note, match="1 line is left out"):
        data = tables.read_records(path, actions=["u", "w"], skip_bad=out)
    assert data.counts.tolist() == [[1, 0]]
    assert pd.read_parquet(out)["a"].tolist() == ["v"]


def test_lines_of_a_log_that_hold_no_sample_are_listed(tmp_path):
    # Oracle: enumeration
    path = written(tmp_path, '{"uid": "a", "label_counter": {"x": 1}}\n{"uid": "b"}\n?\n', "log.jsonl")
    with pytest.warns(Note, match="hard labels"):
        logs.transfer_set(path, skip_bad=tmp_path / "skipped.csv")
    assert pd.read_csv(tmp_path / "skipped.csv")["line"].tolist() == ["line 2", "line 3"]


# --- Alphabets ------------------------------------------------------------------------------------------

NAMES = ["\n", "yes", "a,b", '"', " no"]


@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_an_alphabet_may_hold_a_line_feed(suffix, tmp_path, capsys):
    # Oracle: identity, reading undoes what json and pandas write
    path = tmp_path / f"names{suffix}"
    if suffix == ".json":
        path.write_text(json.dumps(NAMES))
    else:
        pd.DataFrame({"action": NAMES}).to_csv(path, index=False)
    assert tables.read_names(path) == NAMES
    records = written(tmp_path, 's,a\np,"\n"\np,yes\n')
    assert main(["fit", str(records), "--actions", str(path)]) == 0
    assert "2 records of hard labels: 1 input, 5 labels" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("{", "a.json", "it is no JSON"),
        ('{"a": 1}', "a.json", "is a list of texts"),
        ("[1]", "a.json", "is a list of texts"),
        ("[]", "a.json", "is a list of texts"),
        ('["u", "v", "u"]', "a.json", "entry 3: the name 'u' stands on entry 1 already"),
        ("yes\nno\n", "a.csv", "one column, whose header is state, action, name"),
        ("action,p\nyes,1\n", "a.csv", "one column, whose header"),
        ("action\na,b\n", "a.csv", "line 2 has several cells"),
        ('action\n"a\n', "a.csv", "not a table of text"),
    ],
)
def test_bad_alphabets(text, name, said, tmp_path):
    # Oracle: enumeration
    with pytest.raises(ValueError, match=said):
        tables.read_names(written(tmp_path, text, name))


# --- Counts ---------------------------------------------------------------------------------------------

REPEATED = "state,action,count\nx,1,3\nx,2,7\nx,1,5\ny,2,15\n"


def test_repeated_counts_are_added_if_asked_for(tmp_path, capsys):
    # Oracle: enumeration, 8 and 7 of 15
    path = written(tmp_path, REPEATED)
    with pytest.raises(Refusal, match=r"stands on line 2 already; add_repeats=True adds the counts of each pair$"):
        tables.read_teacher(path)
    problem = tables.read_teacher(path, add_repeats=True)
    np.testing.assert_allclose(problem.teacher, [[8 / 15, 7 / 15], [0, 1]], rtol=1e-15)
    np.testing.assert_allclose(problem.rho, [0.5, 0.5])
    assert main(["simulate", "--teacher", str(path), "--n", "10", "--reps", "5", "--add-repeats"]) == 0
    with pytest.raises(Refusal, match="add_repeats goes with counts"):
        tables.read_teacher(written(tmp_path, "s,a,p\nx,u,1\n"), add_repeats=True)


WIDE = np.array([[48, 1, 1], [0, 0, 50], [10, 90, 0]])


def test_wide_counts_have_their_natural_law_of_inputs(tmp_path):
    # Oracle: second algorithm, the same counts as a long table
    frame = pd.DataFrame(WIDE, columns=["cat", "dog", "ship"])
    frame.insert(0, "state", ["i0", "i1", "i2"])
    long = frame.melt("state", var_name="action", value_name="count")
    wanted = tables.teacher_from_frame(long)
    found = tables.teacher_from_frame(frame)
    np.testing.assert_array_equal(found.rho, [0.25, 0.25, 0.5])
    np.testing.assert_array_equal(found.teacher, wanted.teacher)
    assert tables.teacher_from_frame(frame, normalise=True).rho.tolist() == [0.25, 0.25, 0.5]
    path = tables.write_table(frame, tmp_path / "wide.csv")
    np.testing.assert_array_equal(tables.read_teacher(path).teacher, wanted.teacher)
    with pytest.raises(ValueError, match="counts of state 'i1' are all 0"):
        tables.teacher_from_frame(frame.assign(ship=[1, 0, 0]))
    with pytest.raises(ValueError, match=r"row 1: cat is -48.*a count is not negative"):
        tables.teacher_from_frame(frame.assign(cat=[-48, 0, 2]))
    given = frame.assign(rho=[0.5, 0.25, 0.25])
    assert tables.teacher_from_frame(given).rho.tolist() == [0.5, 0.25, 0.25]
    certain = pd.DataFrame({"state": ["x", "y"], "u": [1, 0], "v": [0, 1]})  # a law as well as counts
    assert tables.teacher_from_frame(certain).rho.tolist() == [0.5, 0.5]


def test_a_matrix_of_numpy_is_a_wide_table(tmp_path, capsys):
    # Oracle: identity, the same numbers as a frame
    np.save(tmp_path / "counts.npy", WIDE)
    problem = tables.read_teacher(tmp_path / "counts.npy")
    assert (problem.states, problem.actions) == (("0", "1", "2"), ("0", "1", "2"))
    np.testing.assert_array_equal(problem.teacher, WIDE / WIDE.sum(axis=1, keepdims=True))
    np.save(tmp_path / "law.npy", [[0.25, 0.75]])
    assert tables.read_teacher(tmp_path / "law.npy").teacher.tolist() == [[0.25, 0.75]]
    buffer = io.BytesIO()
    np.save(buffer, np.ones(3))
    for content, said in ((b"x", "not a .npy file"), (buffer.getvalue(), "a matrix of numbers is needed")):
        with pytest.raises(ValueError, match=said):
            tables.read_teacher(written(tmp_path, content, "bad.npy"))


def test_a_teacher_may_say_minus_infinity(tmp_path):
    # Oracle: enumeration; with rounding that --normalise takes out
    text = "state,action,logprob\nB,E,-0.6931472\nB,S,-0.6931472\nB,M,-inf\n"
    with pytest.warns(Note, match="1 of 1 rows were divided"):
        problem = tables.read_teacher(written(tmp_path, text), normalise=True)
    assert problem.teacher.tolist() == [[0.5, 0.5, 0.0]]


# --- Many rows ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["string", "large_string", "dictionary", "object"])
def test_texts_of_parquet_are_read_as_codes(kind, tmp_path):
    # Oracle: identity, the same columns in memory; a dictionary may hold names that no row has, in another order
    import pyarrow as pa
    import pyarrow.parquet as pq

    a = ["v", "u", None, "v", ""]
    column = {
        "string": pa.array(a),
        "large_string": pa.array(a, pa.large_string()),
        "dictionary": pa.DictionaryArray.from_arrays(pa.array([3, 1, None, 3, 4]), ["z", "u", "q", "v", ""]),
        "object": pa.array(pd.Series(a)),
    }[kind]
    frame = pa.table({"s": ["x"] * 5, "a": column, "count": [1, 2, 0, 3, 4], "note": ["k", None, "l", "m", "n"]})
    path = tmp_path / "r.parquet"
    pq.write_table(frame, path, row_group_size=2)
    with pytest.raises(ValueError, match="row 3: a is missing"):
        tables.read_records(path)
    table = tables.read_table(path)
    assert [None if pd.isna(name) else name for name in table["a"]] == a
    assert [None if pd.isna(name) else name for name in table["note"]] == ["k", None, "l", "m", "n"]
    pq.write_table(frame.take([0, 1, 3, 4]), path, row_group_size=2)
    with pytest.warns(Note, match="left alone: note"):
        data = tables.read_records(path)
    assert (data.actions, data.counts.tolist()) == (("", "u", "v"), [[4, 2, 4]])


@pytest.mark.parametrize("labels", [3, 4000])  # few pairs for the rows, and many
def test_rows_amount_to_the_same_whatever_is_counted_how(labels, monkeypatch):
    # Oracle: second algorithm, a dictionary of pairs
    from kt_theory.records import samples

    monkeypatch.setattr(samples, "_BLOCK", 7)
    rng = np.random.default_rng(5)
    s, a, times = rng.integers(0, 4, 500), rng.integers(0, labels, 500), rng.integers(1, 4, 500)
    law = np.full((4, labels), 0.5 / labels)
    for count in (np.ones(500, dtype=np.int64), times, times * 2**44):
        records = {"s": s, "a": a, "logp": np.log(law[s, a])} | ({} if count[0] == 1 else {"count": count})
        data = kt.TransferSet.from_records(records, states=range(4), actions=range(labels), other="?")
        wanted: dict[tuple[int, int], int] = {}
        for i, j, n in zip(
            s.tolist(), a.tolist(), (count if "count" in records else np.ones(500, int)).tolist(), strict=True
        ):
            wanted[i, j] = wanted.get((i, j), 0) + n
        pairs = data.pairs
        found = dict(
            zip(zip(pairs.rows.tolist(), pairs.columns.tolist(), strict=True), pairs.values.tolist(), strict=True)
        )
        assert found == wanted
        np.testing.assert_array_equal(data.log_told.values, math.log(0.5 / labels))


def test_the_first_value_of_a_pair_is_kept(monkeypatch):
    # Oracle: enumeration, in blocks of two rows
    from kt_theory.records import samples

    monkeypatch.setattr(samples, "_BLOCK", 2)
    records = {"s": ["x"] * 5, "a": ["u", "v", "u", "u", "v"], "p": [0.5, 0.25, 0.501, 0.502, 0.251]}
    with pytest.warns(Note, match=r"differ by up to 0\.004"):
        data = kt.TransferSet.from_records(records, tolerance=0.01, other="?")
    assert data.revealed[0, :2].tolist() == [0.5, 0.25]
    with pytest.raises(Refusal, match=r"probability 0\.501 on row 3, 0\.5 on row 1 \(3 rows disagree\)"):
        kt.TransferSet.from_records(records, other="?")
    alone = {name: column[:3] for name, column in records.items()}
    with pytest.raises(Refusal, match=r"0\.5 on row 1; the largest relative difference in the table is 0\.002,"):
        kt.TransferSet.from_records(alone, other="?")
