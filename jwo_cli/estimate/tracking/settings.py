"""What people are like and how well they are seen, in metres, seconds and box heights: one default set for all data.

In an image, lengths are scaled by the person's own box: `height_m` metres are as long as the box is tall, so that the
same walking speed and the same accuracy serve a person near the camera and one far away.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackSettings:
    """Physical constants of tracking. `*_sigma` without a unit are in box heights."""

    # People.
    height_m: float = 1.70
    height_sigma_m: float = 0.15
    feet_radius_m: float = 0.12
    head_radius_m: float = 0.10
    speed_sigma_m_s: float = 1.0  # walking, any direction, before anything is known
    jerkiness_m2_s3: float = 0.2  # spectral density of acceleration: the velocity changes by 0.45 m/s in a second
    image_jerkiness_m2_s3: float = 0.1  # the same as an image shows it: what goes along the line of sight is not seen

    tall_spread: float = 0.06  # of people's heights, in logarithm
    tall_sigma: float = 0.03  # how well a box tells a height besides its edges' noise, in logarithm
    tall_walk_s: float = 0.005  # how far it drifts in a second: people stoop

    # Boxes.
    side_sigma: float = 0.03
    foot_sigma: float = 0.04
    head_sigma: float = 0.03
    centre_sigma: float = 0.05
    pixel_sigma: float = 4.0
    border_px: float = 4.0
    cut_factor: float = 10.0
    floor_sigma_m: float = 0.08  # calibration, and that people are no cones
    area_margin_m: float = 0.3  # boxes of people on the floor's edge may seem to stand beyond it
    solve_step_m: float = 2.0

    # Detectors.
    detect_probability: float = 0.8  # a person in view, not hidden
    hidden_probability: float = 0.3  # a person behind another
    new_density_m2: float = 0.02  # people who appear, and false boxes, a frame and square metre
    sure_score: float = 0.5  # boxes from here up are assigned first
    birth_score: float = 0.4  # boxes from here up may begin a track
    elbow_m: float = 1.0  # nobody new begins so near to somebody whom the camera did not give,
    elbow_chi2: float = 40.0  # unless the place excludes it
    joint_rounds: int = 3  # of cameras learning from each other at one instant
    gate_chi2: float = 16.0  # validation gate, two degrees of freedom: 99.97 %
    trait_sigma: float = 0.20  # how much the logarithm of a person's box height and width differ from frame to frame
    trait_walk_s: float = 0.15  # and how far it drifts in a second
    look_first: float = 0.3  # distance of two sights of one person, as a share of two people's, before any was seen
    look_memory: float = 0.02  # of a new instant in how far apart looks are known to be
    look_limit: float = 2.0  # nats that one sight may weigh at most
    look_share: float = 0.1  # of a new sight in what a track is known to look like
    unit_share: float = 0.2  # of a new box in how tall a track is drawn
    doubt_nats: float = 2.0  # exchanges of two tracks with odds below e² are told as doubts

    # Joining a recording's boxes all at once.
    clear_nats: float = 3.0  # a join is clear if every other of either side gains less by so much,
    sure_nats: float = 6.0  # and beyond doubt by so much
    neighbour_boxes: int = 4  # before and after a step tell which way people went
    end_boxes: int = 6  # of a piece tell where and how fast it ends
    glance_s: float = 0.5  # the gaps that are closed first

    # Tracks.
    lost_s: float = 1.5  # followed blindly that long, then left to the linking
    least_s: float = 0.3  # and at a door, where who is lost has left
    tentative_s: float = 0.6  # the same before it is confirmed
    confirm_hits: int = 3
    seen_share: float = 0.25  # of the looks that should have found it; below, it is a ghost
    seen_memory_s: float = 1.0
    ghost_looks: float = 3.0  # chances that must have been missed before it is called one

    link_hits: int = 2  # detections of a track that may be linked
    keep_hits: int = 5  # and of one that is told
    keep_share: float = 0.5  # of the looks that should have found somebody who is told
    link_rounds: int = 2
    told_sigma_m: float = 0.35  # a place that is less certain, in a gap, is not told
    trait_drift_s3: float = 0.02  # spectral density of the size's acceleration in the final smoothing

    # Encounters.
    encounter_m: float = 2.0  # who comes so near to each other may have been exchanged
    swap_nats: float = 1.0  # an exchange must gain
    swap_rounds: int = 20
    swap_trait_nats: float = 10.0  # sizes weigh at most

    # Links between tracks.
    link_s: float = 12.0  # a gap that is linked at most
    overlap_s: float = 2.0  # how long a track may go on beside the one that takes over from it
    both_nats: float = 2.0  # against that, for each time that one camera gave both: ln 0.7/0.1
    either_nats: float = 1.1  # and for it, for each time that a camera gave only one: ln 0.9/0.3
    link_reach_m: float = 1.0
    top_speed_m_s: float = 2.5
    turn_s: float = 2.0  # how long a walking direction holds
    wander_s: float = float("inf")  # after so long they may be anywhere on the floor, and no farther
    hidden_s: float = 4.0  # how long people stay hidden, on average
    entry_rate_m2_s: float = 0.05  # people who enter at a door, for each second and square metre of it
    exit_s: float = 1.0  # whom the next so many seconds take to a door may have left by it
    trait_link_sigma: float = 0.10
    trait_spread: float = 0.30
    look_link_nats: float = 4.0  # appearance weighs at most
    outside_far: float = 0.05  # probability of an exit in the middle of the floor
    outside_m: float = 0.7  # how near a door or edge people are when last seen
