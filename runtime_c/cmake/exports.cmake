# Windows exports what a list names: writes one with the functions that a header declares.
function(smr_write_exports header list)
  file(READ ${header} text)
  string(REGEX MATCHALL "\n[a-z][a-z0-9_ *]*[ *]smr_[a-z0-9_]+\\(" declarations "${text}")
  list(TRANSFORM declarations REPLACE "^.*[ *](smr_[a-z0-9_]+)\\($" "  \\1")
  list(JOIN declarations "\n" functions)
  file(CONFIGURE OUTPUT ${list} CONTENT "EXPORTS\n${functions}\n" @ONLY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
endfunction()
