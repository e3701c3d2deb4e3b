# Read by cpack for each kind of package: a tarball has bin/ at its top and runs wherever it is unpacked.
if(CPACK_GENERATOR STREQUAL "TGZ")
  set(CPACK_PACKAGING_INSTALL_PREFIX "/")
endif()
