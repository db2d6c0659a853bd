#include "seam_tests.inl"
