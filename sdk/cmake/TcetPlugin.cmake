# tcet_add_plugin(NAME FILE...): one plugin module NAME.so from the given sources, against
# the tcet SDK alone: hidden symbols, the entry symbol exported, nothing left undefined.
function(tcet_add_plugin name)
  add_library(${name} MODULE ${ARGN})
  target_link_libraries(${name} PRIVATE tcet::sdk)
  set(map ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map)
  set_target_properties(${name} PROPERTIES
    PREFIX "" C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden
    LINK_DEPENDS ${map})
  if(TCET_PLUGIN_OUTPUT) # the host's own build
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${TCET_PLUGIN_OUTPUT})
    install(TARGETS ${name} LIBRARY DESTINATION ${TCET_PLUGIN_SUBDIR} COMPONENT host)
  endif()
  target_link_options(${name} PRIVATE "LINKER:--version-script=${map}" "LINKER:--as-needed")
  if(NOT TCET_SANITIZE)
    target_link_options(${name} PRIVATE "LINKER:-z,defs")
  endif()
  target_link_libraries(${name} PRIVATE m)
endfunction()
