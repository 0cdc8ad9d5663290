"""The engine's priors and thresholds that one may want to turn, each with its reason. Switches serve ablations.

What belongs to one kind of evidence alone (how a scale errs, how late an antenna is) stands as a constant beside it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """Priors are odds before the evidence of one event; thresholds are probabilities."""

    # How many units leave in one lift: mostly one; handfuls up to five were labelled in the competition's scripts.
    count_prior: tuple[float, ...] = (0.86, 0.075, 0.03, 0.02, 0.012, 0.003)
    # Two different products in one change (both hands at once).
    pair_prior: float = 0.03
    # A unit of the facing beside, standing wholly on plates that are not its own.
    neighbour_prior: float = 3e-4
    # Somebody takes what stands misplaced there rather than what belongs there.
    misplaced_prior: float = 0.3
    # Something leaves that the planogram does not know (brought in, or misplaced before we looked), uniform to 1 kg.
    stranger_prior: float = 0.0001
    stranger_span_g: float = 1000.0
    # Something that is not for sale comes to stand on a plate, or a hand leans on it: it leaves again as it came.
    foreign_prior: float = 0.02
    # Who leaned on a plate takes something from it in the same movement.
    lean_and_take_prior: float = 0.1
    # Two people take from the same plates within a quarter of a second, relative to one of them alone.
    together_prior: float = 0.003
    # A hand is plainly there above this log likelihood (against somebody nobody saw).
    plain_reach: float = 2.0
    # A touch with two people's hands there hides a put and a pick of the same product that cancel out: odds, all ways.
    cancelling_prior: float = 0.5
    # One lift or put that reaches us as two changes of neighbouring plates (noise hides where one ended).
    split_prior: float = 0.05
    split_s: float = 1.2
    # A slow lift rests on its way: its parts come from the same plates, this close.
    slow_lift_s: float = 2.5
    # A put-back goes home mostly; elsewhere it may land on any of some twenty plates in reach.
    home_prior: float = 0.60
    misplace_prior: float = 0.15 / 20.0
    # Something arrives that nobody was seen to hold: a missed pick going home, or the shopper's own things.
    missed_pick_prior: float = 0.0005
    # Staff bring goods from nowhere.
    restock_prior: float = 0.5
    # A reach of log likelihood 0 is that of somebody whom no camera saw. The store is a closed world: that there is
    # such a person at all is rare; somebody known who is out of sight at the moment is less so.
    unknown_actor: float = 0.02
    absent_actor: float = 0.05
    # What is in the hand is what was picked last: e-folding time of the chance that a lot is still in the hand.
    in_hand_s: float = 6.0
    in_hand_floor: float = 0.04

    beam: int = 240
    beam_floor: float = 11.0
    actor_floor: float = 7.5

    # A visit is settled by itself when its whole basket is at least this probable, else it waits for a person. Stated
    # odds come true (what is stated with 0.7 to 0.8 in 71 of a hundred, above 0.995 in 99.8): on 447 generated visits
    # this settles 87.7 %, 98.5 % of them exactly right (0.75 settles 88.4 %, 98.2 % of them right; 0.84 86.6 % and
    # 98.7 %). `jwo evaluate receipts --reliability` shows the curve.
    settle_threshold: float = 0.80
    line_threshold: float = 0.80
    # Two events of certain identity teach a mass only when this sure.
    learn_threshold: float = 0.9
    # A product that nobody weighed is learnt from what most likely was one.
    unlisted_threshold: float = 0.6
    # A mass that contradicts the catalogue is remembered as a suspicion when its story is at least this probable.
    suspect_threshold: float = 0.05

    # Somebody lost inside is settled for review after this long: memory is bounded, and ghosts stop taking things.
    lost_s: float = 3600.0
    # Somebody who is still seen inside after this long is no shopper (a ghost, a mannequin, a sleeper): the same.
    visit_s: float = 14_400.0
    # Staff are inside all day: what they did and hold is forgotten after this long, when no shopper had a part in it.
    staff_s: float = 900.0
    # The chance that nothing was missed of such a visit: below the threshold, so that a person decides.
    lost_complete: float = 0.5

    # Goods with an age limit wait for a person unless staff saw the shopper's age: for doors that do not check it.
    age_review: bool = False

    # What is held on a shopper's card at the entry, minor units; 0 charges at the exit only.
    authorise_minor: int = 0

    use_mass: bool = True
    use_reach: bool = True
    use_place: bool = True
    use_holdings: bool = True
    use_misplaced: bool = True
    use_handover: bool = True
    use_identity: bool = True
    use_learning: bool = True
    use_pairs: bool = True
    use_tags: bool = True
    use_floor: bool = True
    use_parts: bool = True
    use_together: bool = True
    use_foreign: bool = True
    use_exchange: bool = True
    use_unweighed: bool = True
    use_looks: bool = True
    use_merges: bool = True
    use_overlaps: bool = True
