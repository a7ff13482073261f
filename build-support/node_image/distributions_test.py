from __future__ import annotations

import pytest

from node_image.conftest import Workshop, write_files
from node_image.distributions import check_owners, check_shared, read_distributions
from node_image.errors import DistributionError


def test_names_are_normalised_and_sorted(shop: Workshop) -> None:
    found = [(one.name, one.version) for one in read_distributions(shop.everything)]
    assert found == [("shared-library", "1.0"), ("tier-library", "2.0")]


def test_a_wheel_without_a_name_is_refused(shop: Workshop) -> None:
    write_files(shop.everything, {"odd-1.dist-info/METADATA": "Summary: nameless\n"})
    with pytest.raises(DistributionError, match=r"odd-1\.dist-info: METADATA names no distribution"):
        read_distributions(shop.everything)


def test_a_distribution_that_is_there_twice_is_refused(shop: Workshop) -> None:
    shop.add_distribution(shop.everything, "tier-library", "3.0", {})
    with pytest.raises(DistributionError, match=r"tier-library is there twice: versions 2\.0 and 3\.0|3\.0 and 2\.0"):
        check_owners(read_distributions(shop.everything))


def test_one_file_with_equal_bytes_may_have_two_owners(shop: Workshop) -> None:
    for name in ("first", "second"):
        shop.add_distribution(shop.everything, name, "1.0", {"google/shared.py": "SAME = True\n"})
    check_owners(read_distributions(shop.everything))


def test_the_shared_tree_must_be_a_part_of_the_whole(shop: Workshop) -> None:
    write_files(shop.shared, {"only_here.py": ""})
    with pytest.raises(DistributionError, match=r"only_here\.py is in the shared installation and not in the image's"):
        check_shared(shop.shared, shop.everything, ["only_here.py"])
