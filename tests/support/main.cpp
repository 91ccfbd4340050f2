// The test program's main. Tests carry the tag of the folder they mirror: [capture], [dissectors],
// [detectors], [report], [cli]; [whole] for those that run the whole program.
#ifdef WIREFAULT_CATCH2_V2
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#else
#include <catch2/catch_session.hpp>
#endif

int main(int argc, char** argv) {
  return Catch::Session().run(argc, argv);
}
