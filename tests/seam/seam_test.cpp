#include "seam_tests.inl"
//
#include "multi_pass_tests.inl"
