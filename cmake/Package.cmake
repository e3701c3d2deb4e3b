# What is installed beside programs and library, and packages of it:
#
#     cmake --build --preset portable && cd build/portable && cpack -G DEB      (or TGZ: runs where it is unpacked)
include(GNUInstallDirs)

# Manual page and completions, printed by the program itself.
if(NOT CMAKE_CROSSCOMPILING)
  set(described "${CMAKE_BINARY_DIR}/described")
  set(descriptions "")
  foreach(form man bash zsh fish)
    add_custom_command(OUTPUT "${described}/${form}"
      COMMAND ${CMAKE_COMMAND} -E make_directory "${described}"
      COMMAND heart_command describe ${form} > "${described}/${form}"
      DEPENDS heart_command VERBATIM)
    list(APPEND descriptions "${described}/${form}")
  endforeach()
  find_program(HEART_GZIP gzip REQUIRED)
  add_custom_command(OUTPUT "${described}/heart.1.gz"
    COMMAND ${HEART_GZIP} -9nc "${described}/man" > "${described}/heart.1.gz"
    DEPENDS "${described}/man" VERBATIM)
  add_custom_target(heart_descriptions ALL DEPENDS ${descriptions} "${described}/heart.1.gz")
  install(FILES "${described}/heart.1.gz" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
  install(FILES "${described}/bash" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME heart)
  install(FILES "${described}/zsh" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions" RENAME _heart)
  install(FILES "${described}/fish" DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d" RENAME heart.fish)
endif()

# For other programs: find_package(heart), then link heart::heart.
include(CMakePackageConfigHelpers)
set(config_folder "${CMAKE_INSTALL_LIBDIR}/cmake/heart")
configure_package_config_file(packaging/heartConfig.cmake.in "${CMAKE_BINARY_DIR}/heartConfig.cmake"
  INSTALL_DESTINATION "${config_folder}")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/heartConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(EXPORT heartTargets NAMESPACE heart:: DESTINATION "${config_folder}")
install(FILES "${CMAKE_BINARY_DIR}/heartConfig.cmake" "${CMAKE_BINARY_DIR}/heartConfigVersion.cmake"
  DESTINATION "${config_folder}")

include(cmake/Sbom.cmake)
heart_write_sbom("${CMAKE_BINARY_DIR}/heart.spdx.json")
install(FILES "${CMAKE_BINARY_DIR}/heart.spdx.json" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

install(FILES README.md CHANGELOG.md LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(DIRECTORY docs/ DESTINATION "${CMAKE_INSTALL_DOCDIR}" FILES_MATCHING PATTERN "*.md")
install(FILES packaging/studio.env DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(FILES packaging/heart-studio.service DESTINATION lib/systemd/system)
install(FILES packaging/heart.sysusers DESTINATION lib/sysusers.d RENAME heart.conf)

set(CPACK_PACKAGE_NAME heart)
set(CPACK_PACKAGE_VENDOR "Heart")
set(CPACK_PACKAGE_CONTACT "Heart <heart@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
# Only what is Heart's: not what libraries that are built along would install for themselves.
set(CPACK_COMPONENTS_ALL Unspecified)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION sound)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
if(HEART_CUDA)  # cuBLAS may lie where the linker does not look; it comes with the toolkit or its container, not with Debian
  find_package(CUDAToolkit REQUIRED)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${CUDAToolkit_LIBRARY_DIR}")
endif()
set(CPACK_DEBIAN_PACKAGE_DEPENDS "passwd | systemd, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "ffmpeg, espeak-ng")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${PROJECT_SOURCE_DIR}/packaging/postinst;${PROJECT_SOURCE_DIR}/packaging/prerm;${PROJECT_SOURCE_DIR}/packaging/postrm")
set(CPACK_PROJECT_CONFIG_FILE "${PROJECT_SOURCE_DIR}/cmake/PackageKinds.cmake")
include(CPack)
