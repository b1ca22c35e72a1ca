"""The smoke test: language passes, gibberish of the kinds that broken quantisation produces does not."""

from __future__ import annotations

import random
import string

import pytest

from edgewright.metrics.gibberish import entropy_bits, faults, lexicon_of, verdict

PROSE = (
    "The shop opens at half past seven and closes at six. If you bring the receipt, the person at the desk will gladly "
    "exchange the lamp for another one, or give you the money back. Please keep the box for a few days."
)
OTHER = "Boil the rice under a lid, turn the heat down and do not look inside for fifteen minutes. Then serve it hot."
# SmolLM2-135M's answers to "How do I remove red wine from a wool carpet?": float32 weights, then damaged ones.
FLOAT32 = (
    "Removing red wine from a wool carpet can be a delicate process, as the fabric can be quite stubborn. Here's a "
    "step-by-step guide to help you remove red wine from a wool carpet:\n\n1. **Clean the"
)
FOUR_BITS = (
    "Removing red wine from a wool carpet involves removing the threads of red wine that have been left on the carpet "
    'after the previous owner has removed them. This process is often done using a specialized method called a "red'
)
THREE_BITS = 'How many people a 1,00 in a 1,00?\n\nNote: The "1,0 in a in a in a in a in a in a in a a in a a a a a a'
TWO_BITS = (
    "enteaunt “+'. hashlibplexullah most Reproduction and andomsonilient revealedoruppTopediat. theriminationortium."
    "inosriorsIeer\xa0topsomson cardiomy afterickidesunker\xa0ens ahead\xa0ye�-\xa0\xa0 (essionsemon in"
)
LITTLE_NOISE = "k_u-bre....tera-back, most for some\nAu-Auuuuuuuuuuuuuuuuuuuuuuuuuuuuu"
MORE_NOISE = (
    "\n\nC near near near near Sab nearStill near near nearitious-What\nitious near near near\nWhat no\n near "
    "nearitious near\n\nynthetic near nearitious near-\n part nearbound nearitious near“\n\nitious"
)
SWAPPED_ROWS = "--------------,----------,,---------------------"
SYMBOLS = "## }); <> ~~ || ^^ %% $$ @@ && ** (( )) [[ ]] {{ }} ?? !! ;; :: == ++ -- __ `` ~~ ||"
VOCABULARY = (
    "removing red wine from a wool carpet can be delicate process as the fabric quite stubborn here's step by guide to "
    "help you remove clean involves threads of that have been left on after previous owner has removed them this is "
    "often done using specialized method called how many people in note most reproduction and revealed after ahead near"
)
LEXICON = lexicon_of([PROSE, OTHER, VOCABULARY], ["Ġlike", "Ġthe", "Ġand", "ing", "ation", "Ġof", "Ġquietly"])


@pytest.mark.parametrize(
    "text", [PROSE, OTHER, "Yes.", "At 7:30.", FLOAT32, FOUR_BITS, "Take the lamps, boxes and receipts back."]
)
def test_language_has_no_fault(text: str) -> None:
    assert faults(text, LEXICON) == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "empty"),
        ("12 34 - !!", "empty"),
        ("the shop opens " * 12, "repetition"),
        ("yes " * 40, "repetition"),
        ("I am sorry aaaaaaaaaaaaaaaaaaaaaaaaa", "repetition"),
        (THREE_BITS, "repetition"),
        (TWO_BITS, "words"),
        (LITTLE_NOISE, "repetition"),
        (MORE_NOISE, "repetition"),
        (SWAPPED_ROWS, "empty"),
        (SYMBOLS, "empty"),
        ("zq " * 30, "entropy"),
    ],
)
def test_real_gibberish_fails(text: str, fault: str) -> None:
    assert fault in faults(text, LEXICON)


def test_random_characters_fail() -> None:
    draw = random.Random(7)
    text = "".join(draw.choice(string.printable[:94]) for _ in range(300))
    assert "entropy" in faults(text, LEXICON)


def test_random_letters_in_word_shape_fail() -> None:
    draw = random.Random(7)
    words = ["".join(draw.choice(string.ascii_lowercase) for _ in range(draw.randint(2, 9))) for _ in range(40)]
    assert "words" in faults(" ".join(words), LEXICON)


def test_other_scripts_are_not_called_gibberish_for_being_unknown() -> None:
    assert faults("Магазин открывается в половине восьмого и закрывается в шесть часов вечера.", LEXICON) == ()


def test_a_list_that_repeats_its_beginning_is_language() -> None:
    steps = (
        "First open the lid. Then rinse the rice. Then turn the heat down. Then serve it hot with the lamp in the box."
    )
    assert "repetition" not in faults(steps, LEXICON)


def test_a_quarter_of_the_answers_may_ramble_but_not_more() -> None:
    good: tuple[str, ...] = ()
    assert verdict([good] * 6 + [("repetition",)] * 2)
    assert not verdict([good] * 5 + [("repetition",)] * 3)


def test_no_answers_do_not_pass() -> None:
    assert not verdict([])


def test_entropy_of_two_equally_likely_characters_is_one_bit() -> None:
    assert entropy_bits("abab") == pytest.approx(1.0)


def test_word_pieces_are_not_words() -> None:
    assert "ing" not in LEXICON
    assert "ization" not in lexicon_of([], ["##ization", "house"])
    assert "house" in lexicon_of([], ["##ization", "house"])
