"""Scores of detections and tracks against the truth: CLEAR MOT, IDF1, HOTA, and MODA/MODP for points on the floor.

`pairing` lays truth and tracks side by side, frame by frame; each score is a pure function of that.
"""
