"""Build the report: `make paper`.

Writes generated/ from the results, runs latexmk in a scratch folder, refuses what a reader would stumble over (missing
references, lines that run into the margin, fonts that are not embedded), and puts paper.pdf in its place whole. What is
missing of TeX is installed where that is possible (Debian and its kin, as root); elsewhere it is named.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import results
from kt_theory.files import check_writable, write_whole

PROGRAMS = ("latexmk", "pdflatex", "bibtex")

#: Debian's packages, which hold all programs and styles; the last one has pdffonts.
PACKAGES = (
    *("latexmk", "texlive-latex-base", "texlive-latex-recommended", "texlive-fonts-recommended"),
    "poppler-utils",
)

#: Lines may run into the margin by so many points: less than a reader sees.
OVERFULL = 1.0


def styles() -> list[str]:
    """The LaTeX packages that the source asks for."""
    preamble = (results.PAPER / "paper.tex").read_text(encoding="utf-8")
    lists = re.findall(r"\\usepackage(?:\[[^\]]*\])?\{([^}]*)\}", preamble)
    return [name.strip() for names in lists for name in names.split(",")]


def missing() -> list[str]:
    """Programs and styles that are not there."""
    gone = [program for program in PROGRAMS if shutil.which(program) is None]
    if shutil.which("kpsewhich") is None:
        return [*gone, *(f"{name}.sty" for name in styles())]
    found = subprocess.run(
        ["kpsewhich", *(f"{name}.sty" for name in styles())], capture_output=True, text=True, check=False
    ).stdout
    return [*gone, *(f"{name}.sty" for name in styles() if f"/{name}.sty" not in found)]


def install() -> None:
    """Install TeX with apt-get, if this is a machine where one may."""
    if shutil.which("apt-get") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    print("installing", *PACKAGES, file=sys.stderr, flush=True)
    for words in (["update"], ["install", "--no-install-recommends", "-y", *PACKAGES]):
        subprocess.run(
            ["apt-get", "-qq", *words],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdout=subprocess.DEVNULL,
            check=False,
        )


def blemishes(log: str) -> list[str]:
    """What a reader would stumble over, by TeX's own account."""
    flat = log.replace("\n", " ")
    found = re.findall(r"(?:Reference|Citation) `[^']+' (?:on page \S+ )?undefined", flat)
    found += re.findall(r"Label `[^']+' multiply defined", flat)
    for width, where in re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\)(?= (.{0,60}))", flat):
        if float(width) > OVERFULL:
            found.append(f"a line is {width} points too wide, {where.strip()}")
    return found


def not_embedded(pdf: Path) -> list[str]:
    """Names of fonts that the file does not contain; nothing where pdffonts is not there to say."""
    if shutil.which("pdffonts") is None:
        return []
    lines = subprocess.run(["pdffonts", pdf], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[0] for line in lines[2:] if line.split()[-5] != "yes"]


def build(out: Path) -> int:
    """Build the report; the exit code."""
    check_writable(out, ".pdf")
    if missing():
        install()
    if gone := missing():
        print(f"make paper needs {', '.join(gone)}. On Debian: apt-get install {' '.join(PACKAGES)}", file=sys.stderr)
        return 1
    results.write()
    with tempfile.TemporaryDirectory() as scratch:
        words = ["latexmk", "-pdf", "-interaction=nonstopmode", "-halt-on-error", f"-outdir={scratch}", "paper.tex"]
        # The same sources give the same bytes: no clock goes into the file.
        env = {**os.environ, "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1"}
        done = subprocess.run(words, cwd=results.PAPER, env=env, capture_output=True, text=True, check=False)
        log = Path(scratch) / "paper.log"
        if done.returncode != 0:
            said = log.read_text(encoding="latin-1") if log.exists() else done.stdout + done.stderr
            errors = re.findall(r"^!.*(?:\n.*){0,4}", said, flags=re.MULTILINE)
            print("\n".join(errors) or said[-3000:], file=sys.stderr)
            return 1
        pdf = Path(scratch) / "paper.pdf"
        found = blemishes(log.read_text(encoding="latin-1"))
        found += [f"font {name} is not embedded" for name in not_embedded(pdf)]
        if found:
            print("\n".join(found), file=sys.stderr)
            return 1
        write_whole(out, lambda file: shutil.copyfile(pdf, file))
    print(out)
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=results.PAPER / "paper.pdf", help="default: paper/paper.pdf")
    sys.exit(build(parser.parse_args().out))
