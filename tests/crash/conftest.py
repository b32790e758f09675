import pytest
from servers import Run, finish


@pytest.fixture
def run(tmp_path, exported):
    """A run directory; what a test leaves running there is ended."""
    run = Run(tmp_path, exported)
    yield run
    run.end()


@pytest.fixture(scope="module")
def undisturbed(request, tmp_path_factory, exported):
    """The run of the module's `INPUT` that nothing happens to."""
    run = Run(tmp_path_factory.mktemp("undisturbed"), exported).prepare(*request.module.INPUT)
    codes = finish(run.ipi(), run.driver())
    run.end()
    assert codes == [0, 0], run.log("driver.log")
    return run
