"""Following people through boxes: on the floor plane over all cameras, or in one camera's image.

`views` and `boxes` turn boxes into places with covariance, `core` follows them step by step, `linking` joins what was
lost, `smoothing` lays the final paths; `floor` and `image` are the two ways in.
"""
