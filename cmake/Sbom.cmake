# The bill of materials of a build as an SPDX 2.3 document, heart.spdx.json: what the programs are made of, in which versions,
# under which licences. Versions are those that were found; licences are the projects' own statements.
include_guard(GLOBAL)

# Adds one package: heart_sbom_package(<name> <version> <licence> CONTAINS|DYNAMIC_LINK).
function(heart_sbom_package name version licence relation)
  string(MAKE_C_IDENTIFIER "${name}" id)
  string(REPLACE "_" "-" id "SPDXRef-${id}")
  if(NOT version)
    set(version_line "")
  else()
    set(version_line "\"versionInfo\": \"${version}\", ")
  endif()
  set_property(GLOBAL APPEND_STRING PROPERTY HEART_SBOM_PACKAGES
    ",\n    {\"SPDXID\": \"${id}\", \"name\": \"${name}\", ${version_line}\"licenseConcluded\": \"${licence}\", \"licenseDeclared\": \"${licence}\", \"copyrightText\": \"NOASSERTION\", \"downloadLocation\": \"NOASSERTION\", \"filesAnalyzed\": false}")
  set_property(GLOBAL APPEND_STRING PROPERTY HEART_SBOM_RELATIONS
    ",\n    {\"spdxElementId\": \"SPDXRef-heart\", \"relationshipType\": \"${relation}\", \"relatedSpdxElement\": \"${id}\"}")
endfunction()

function(heart_write_sbom file)
  heart_sbom_package(ggml "${GGML_PIN_VERSION}" MIT CONTAINS)
  heart_sbom_package(Boost "${Boost_VERSION}" BSL-1.0 CONTAINS)
  heart_sbom_package(nlohmann-json "${nlohmann_json_VERSION}" MIT CONTAINS)
  if(TARGET hnswlib::headers)
    heart_sbom_package(hnswlib "" Apache-2.0 CONTAINS)
  endif()
  heart_sbom_package(CLI11 "${CLI11_VERSION}" BSD-3-Clause CONTAINS)
  if(TARGET SOCI::Core)
    heart_sbom_package(SOCI "${SOCI_PIN_VERSION}" BSL-1.0 CONTAINS)
  else()
    heart_sbom_package(SOCI "" BSL-1.0 DYNAMIC_LINK)
  endif()
  if(HEART_HIP)
    heart_sbom_package(hipBLAS "${hipblas_VERSION}" MIT DYNAMIC_LINK)
  endif()
  if(HEART_VULKAN)
    heart_sbom_package(Vulkan-Loader "${Vulkan_VERSION}" Apache-2.0 DYNAMIC_LINK)
  endif()
  foreach(library IN ITEMS
      "fmt|${fmt_VERSION}|MIT" "libutf8proc|${utf8proc_VERSION}|MIT" "libsndfile|${sndfile_VERSION}|LGPL-2.1-or-later" "soxr|${soxr_VERSION}|LGPL-2.1-or-later"
      "taglib|${taglib_VERSION}|LGPL-2.1-only OR MPL-1.1" "kissfft|${kissfft_VERSION}|BSD-3-Clause"
      "libpng|${PNG_VERSION_STRING}|libpng-2.0" "libjpeg-turbo||IJG AND BSD-3-Clause" "zlib|${ZLIB_VERSION_STRING}|Zlib"
      "OpenSSL|${OPENSSL_VERSION}|Apache-2.0" "SQLite||blessing"
      "libsodium|${sodium_VERSION}|ISC" "libxcrypt||LGPL-2.1-or-later" "curl|${CURL_VERSION_STRING}|curl"
      "cairo|${cairo_VERSION}|LGPL-2.1-only OR MPL-1.1" "libarchive|${libarchive_VERSION}|BSD-2-Clause")
    string(REPLACE "|" ";" parts "${library}")
    list(GET parts 0 name)
    list(GET parts 1 version)
    list(GET parts 2 licence)
    heart_sbom_package("${name}" "${version}" "${licence}" DYNAMIC_LINK)
  endforeach()
  # The page, with what is bundled into it.
  file(READ "${PROJECT_SOURCE_DIR}/web/package.json" page)
  string(JSON count LENGTH "${page}" dependencies)
  math(EXPR last "${count} - 1")
  foreach(i RANGE ${last})
    string(JSON name MEMBER "${page}" dependencies ${i})
    string(JSON version GET "${page}" dependencies "${name}")
    set(licence MIT)
    if(name STREQUAL "lucide-react")
      set(licence ISC)
    endif()
    heart_sbom_package("${name}" "${version}" "${licence}" CONTAINS)
  endforeach()
  get_property(packages GLOBAL PROPERTY HEART_SBOM_PACKAGES)
  get_property(relations GLOBAL PROPERTY HEART_SBOM_RELATIONS)
  file(CONFIGURE OUTPUT "${file}" CONTENT [=[{
  "spdxVersion": "SPDX-2.3",
  "dataLicense": "CC0-1.0",
  "SPDXID": "SPDXRef-DOCUMENT",
  "name": "heart-@PROJECT_VERSION@",
  "documentNamespace": "https://spdx.org/spdxdocs/heart-@PROJECT_VERSION@-@CMAKE_SYSTEM_PROCESSOR@",
  "creationInfo": {"created": "1970-01-01T00:00:00Z", "creators": ["Tool: cmake-@CMAKE_VERSION@"]},
  "packages": [
    {"SPDXID": "SPDXRef-heart", "name": "heart", "versionInfo": "@PROJECT_VERSION@", "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0", "copyrightText": "NOASSERTION", "downloadLocation": "NOASSERTION", "filesAnalyzed": false}@packages@
  ],
  "relationships": [
    {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-heart"}@relations@
  ]
}
]=] @ONLY)
endfunction()
