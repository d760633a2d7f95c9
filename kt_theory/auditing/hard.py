"""The message where hard labels are given to an audit."""

#: Source: ours. Let rho be uniform on S inputs. For every estimator t of m hard labels and every student q some teacher
#: has E|t - TV| >= (1 - m(m-1)/(2S)) (1 - mean_s sum_a q(a|s)^2) / 2: the teacher q itself, and teachers whose rows are
#: sure of one label each, drawn from q, give data of one law unless an input recurs.
HARD_LABELS = (
    "hard labels certify nothing on inputs that do not recur: a teacher equal to the student, and one that is sure at "
    "each input of a label drawn from the student, give the same data"
)
