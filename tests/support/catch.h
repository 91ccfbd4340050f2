// Catch2 by either of its names.
#pragma once

#ifdef WIREFAULT_CATCH2_V2
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif
