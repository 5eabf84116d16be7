"""Bad inputs whose edge is not there yet, and why; a name goes when its test passes."""

from __future__ import annotations

from tests.conformance.own_edge import offers

# These need an edge that plays ESI; without `--esi-host` on its command line it does not yet.
NEED_ESI = frozenset(
    {
        "test_01_an_include_in_a_reflected_query_goes_nowhere",
        "test_02_an_include_in_stored_text_goes_nowhere",
        "test_03_a_fragment_that_is_not_marked_is_not_esi",
        "test_04_a_tag_split_over_fragments_is_none",
        "test_05_one_byte_chunks_make_the_same_page",
        "test_06_where_a_tag_stands_in_html_does_not_matter_but_in_cdata",
        "test_07_an_esi_comment_in_user_text_loses_nothing",
        "test_08_what_is_nearly_a_tag_is_text",
        "test_09_a_quote_in_a_variable_stays_in_its_url",
        "test_10_a_tag_in_a_variable_is_text",
        "test_11_no_variable_shows_a_session_cookie",
        "test_12_a_line_break_in_src_starts_no_header",
        "test_13_no_text_is_taken_for_a_place_holder",
        "test_14_a_fragment_is_no_replacement_pattern",
        "test_15_esi_in_another_encoding_is_no_esi",
        "test_16_two_src_run_neither",
        "test_17_oversize_urls_and_attributes_run_nothing",
        "test_18_the_metadata_address",
        "test_19_addresses_in_odd_spellings",
        "test_20_addresses_in_ipv6",
        "test_21_localhost",
        "test_22_odd_authorities",
        "test_23_other_schemes",
        "test_24_a_redirect_is_not_followed",
        "test_25_a_name_that_is_not_allowed_is_not_even_resolved",
        "test_26_the_edges_own_admin_port",
        "test_27_a_host_made_of_a_header",
        "test_28_a_page_inside_of_itself",
        "test_29_a_page_twice_inside_of_itself",
        "test_30_two_pages_inside_of_each_other",
        "test_31_ten_thousand_includes",
        "test_32_ten_thousand_elements_deep",
        "test_33_a_tag_never_closed_over_100_megabytes",
        "test_34_a_fragment_that_never_ends",
        "test_35_a_gzip_bomb",
        "test_36_a_fragment_cut_short",
        "test_37_a_client_that_leaves_stops_the_work",
        "test_58_nothing_private_in_what_is_told",
        "test_59_the_shells_validator_is_not_the_pages",
        "test_60_the_shells_lifetime_is_not_the_pages",
        "test_61_another_visitor_on_the_same_connection",
        "test_62_a_fragments_cookie_is_given_once",
        "test_67_by_an_include",
        "test_pysec_2026_3824_a_parts_vary_counts_for_the_whole",
    }
)
_MISSING = {"test_67_a_million_keys": "a purge takes any number of groups"}


def may_play_esi() -> bool:
    """Whether the edge under test says that it plays ESI."""
    return offers("--esi-host")


def reason_to_wait(name: str) -> str | None:
    """Why that test cannot pass yet; None when it must."""
    if name in NEED_ESI and not may_play_esi():
        return "the edge does not play ESI yet"
    return _MISSING.get(name)
