"""A chain of annotators: each keeps what it is surest of, and confidences of different models are compared as ranks."""

import numpy as np
import pytest

from labeling.routing.chain import Link, chain, ranks


def link(labels, confidence=None):
    return Link(np.array(labels, dtype=np.int32), None if confidence is None else np.array(confidence))


CROWD = link([0, 0, 0, 0], [0.9, 0.4, 0.7, 0.1])


def test_the_least_confident_share_is_forwarded():
    result = chain([CROWD, link([1, 1, 1, 1])], [0.5])
    assert result.reached[:, 1].tolist() == [False, True, False, True]
    assert result.label.tolist() == [0, 1, 0, 1]
    assert result.decided_by.tolist() == [0, 1, 0, 1]


def test_a_link_whose_confidence_ranks_higher_keeps_the_task_though_another_saw_it():
    result = chain([CROWD, link([1, 1, 1, 1])], [1.0])
    assert result.label.tolist() == [0, 1, 0, 1]


def test_an_answer_without_a_confidence_ranks_in_the_middle_however_many_it_gave():
    crowd = link([0, 0, 0, 0], [0.1, 0.5, 0.7, 0.9])
    assert chain([crowd, link([1, 1, 1, 1])], [0.75]).label.tolist() == [1, 1, 0, 0]
    assert chain([crowd, link([1, 1, 1, 1])], [0.25]).label.tolist() == [1, 0, 0, 0]


def test_of_links_without_confidence_the_last_that_answered_decides():
    links = [CROWD, link([1] * 4), link([2] * 4), link([3, -1, 3, 3])]
    result = chain(links, [1.0, 0.75, 0.5])
    assert result.reached.sum(axis=0).tolist() == [4, 4, 3, 2]
    assert result.label.tolist() == [0, 2, 0, 3]


def test_a_link_without_confidence_forwards_what_the_link_before_it_was_least_sure_of():
    result = chain([CROWD, link([1] * 4), link([2] * 4)], [0.75, 0.25])
    assert result.reached[:, 2].tolist() == [False, False, False, True]


def test_tied_confidences_share_their_middle_rank():
    shared = ranks(link([0, 0, 0, 0], [0.2, 0.5, 0.5, 0.9]), np.ones(4, dtype=bool))
    assert shared.tolist() == [0.125, 0.5, 0.5, 0.875]


def test_only_the_order_of_a_links_confidences_matters():
    squeezed = link([0, 0, 0, 0], [0.51, 0.502, 0.505, 0.5])
    second = link([1, 1, 1, 1], [0.1, 0.9, 0.5, 0.6])
    one, other = (chain([first, second], [0.75]).label for first in (CROWD, squeezed))
    assert one.tolist() == other.tolist()


def test_each_link_forwards_to_the_next():
    result = chain([CROWD, link([1] * 4, [0.1, 0.2, 0.3, 0.4]), link([2] * 4)], [0.75, 0.25])
    assert result.reached.sum(axis=0).tolist() == [4, 3, 1]
    assert result.reached[1, 2]


def test_a_link_without_an_answer_leaves_the_label_to_the_one_before():
    assert chain([CROWD, link([1, -1, 1, -1])], [1.0]).label.tolist() == [0, 0, 0, 0]


def test_a_task_that_must_stay_is_not_forwarded():
    allowed = np.array([True, True, True, False])
    assert not chain([CROWD, link([1] * 4)], [1.0], allowed).reached[3, 1]


def test_shares_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="give 1 shares"):
        chain([CROWD, link([1] * 4)], [0.5, 0.2])
    with pytest.raises(ValueError, match="from 0 to 1"):
        chain([CROWD, link([1] * 4)], [1.5])
