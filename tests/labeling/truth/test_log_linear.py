"""The log-linear pool: its Newton step is that of the whole design, which is never written down."""

from __future__ import annotations

import numpy as np
import pytest

from labeling.truth.expectation import softmax
from labeling.truth.log_linear import _Problem, fit_pool


def problem(m: int, f: int, k: int, seed: int = 0) -> _Problem:
    rng = np.random.default_rng(seed)
    opinions = np.log(rng.dirichlet(np.ones(k), (m, f)))
    truth, mass = np.eye(k)[rng.integers(0, k, m)], rng.random(m) + 0.1
    return _Problem(opinions, truth * mass[:, None], mass, rng.random(f + k), np.full(f + k, 0.5))


@pytest.mark.parametrize(("m", "f", "k"), [(30, 3, 4), (1, 1, 2), (12, 2, 7)])
def test_the_curvature_is_that_of_the_whole_design(m: int, f: int, k: int) -> None:
    given = problem(m, f, k)
    theta = np.random.default_rng(1).normal(size=f + k)
    design = np.concatenate([given.opinions, np.broadcast_to(np.eye(k), (m, k, k))], axis=1)
    belief = softmax(np.einsum("mdk,d->mk", design, theta))
    assert given.scores(theta) == pytest.approx(np.einsum("mdk,d->mk", design, theta))
    whole = np.zeros((f + k, f + k))
    for case, chance, mass in zip(design, belief, given.mass, strict=True):
        whole += mass * (case * chance @ case.T - np.outer(case @ chance, case @ chance))
    assert given.curvature(belief) == pytest.approx(whole)


def test_the_fit_is_where_the_slope_vanishes_and_many_labels_need_little_memory() -> None:
    given = problem(400, 3, 300)
    pool = fit_pool(
        list(given.opinions.transpose(1, 0, 2)), np.eye(300)[given.truth.argmax(axis=1)], [0.5] * 3, [1.0] * 3, 0.3
    )
    fitted = given._replace(
        truth=np.eye(300)[given.truth.argmax(axis=1)],
        mass=np.ones(400),
        center=np.concatenate([np.full(3, 0.5), np.zeros(300)]),
        precision=np.concatenate([np.ones(3), np.full(300, 0.3)]),
    )
    assert np.abs(fitted.newton_step(np.concatenate([pool.weight, pool.bias]))).max() < 1e-5
