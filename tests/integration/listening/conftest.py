"""`worker_fixture`, as the tests of the worker have it."""

from tests.integration.runners import conftest

worker_fixture = conftest.worker_fixture
