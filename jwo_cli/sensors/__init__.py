"""What touches devices and images: cameras, boards, detectors, codes. The sole owner of OpenCV."""
