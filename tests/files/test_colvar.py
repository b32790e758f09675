import math

import numpy as np
import pytest

from ipi_mtd.errors import UserError
from ipi_mtd.files.colvar import format_colvar_header, read_colvar
from ipi_mtd.files.fields import format_row


def test_the_header_is_the_one_that_plumed_writes():
    header = format_colvar_header(["d", "t", "m.bias"], {"d": None, "t": (-math.pi, math.pi)})
    assert header == b"#! FIELDS time d t m.bias\n#! SET min_t -pi\n#! SET max_t pi\n"


def test_what_is_written_reads_back_to_the_same_bits(tmp_path):
    rows = np.random.default_rng(2).normal(size=(20, 3)) ** 21
    path = tmp_path / "COLVAR"
    lines = [format_row([time, *values]) for time, *values in rows.tolist()]
    path.write_bytes(format_colvar_header(["cv1", "mtd.bias"]) + b"".join(lines))
    columns = read_colvar(path)
    assert list(columns) == ["time", "cv1", "mtd.bias"]
    assert np.stack(list(columns.values()), axis=1).tobytes() == rows.tobytes()


def test_a_value_that_is_not_a_number_is_kept(tmp_path):
    path = tmp_path / "COLVAR"
    path.write_bytes(format_colvar_header(["cv1"]) + format_row([0.5, math.nan]))
    assert np.isnan(read_colvar(path)["cv1"]).tolist() == [True]


def test_a_file_without_the_time_is_refused(tmp_path):
    path = tmp_path / "fes.dat"
    path.write_bytes(b"#! FIELDS cv1 file.free\n0 0\n")
    with pytest.raises(UserError, match="the first column must be time, got cv1"):
        read_colvar(path)
