#include "pseudo_huber.cpp"
