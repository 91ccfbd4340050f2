# Writes OUTPUT, a C++ source holding the text of every detector page in PAGES.
set(source "// Made at build time from the detectors' pages. Do not edit.\n#include \"detectors/pages.h\"\n\nnamespace wirefault {\n\n")
string(APPEND source "std::span<const DetectorPage> detector_pages() {\n  static const DetectorPage pages[] = {\n")
foreach(page IN LISTS PAGES)
  get_filename_component(stem ${page} NAME_WE)
  string(REPLACE "_" "-" id ${stem})
  file(READ ${page} text)
  # A string literal may be at most 65,536 bytes; a page is far below that.
  string(APPEND source "      {\"${id}\", R\"page(${text})page\"},\n")
endforeach()
string(APPEND source "      {\"\", \"\"},\n  };\n  return std::span{pages}.first(std::size(pages) - 1);\n}\n\n}  // namespace wirefault\n")
file(WRITE ${OUTPUT} "${source}")
