"""Poses, from the tracker's file to scaled training arrays: read, clean, align, split, simulate.

Arrays are ordered (frame, keypoint, axis) in image coordinates and (frame, feature) once aligned.
"""
