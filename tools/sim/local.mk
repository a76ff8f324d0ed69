# What `kith sim` tells: a library, so that tests can tell results that they made by hand.
noinst_LTLIBRARIES += tools/sim/libreport.la
tools_sim_libreport_la_SOURCES = tools/sim/files.c tools/sim/files.h \
  tools/sim/report.h tools/sim/report_parts.h \
  tools/sim/report_html.c tools/sim/report_json.c tools/sim/report_marks.c \
  tools/sim/report_numbers.c tools/sim/report_plots.c tools/sim/report_spreads.c \
  tools/sim/report_style.c tools/sim/report_text.c tools/sim/svg.c tools/sim/svg.h
tools_sim_libreport_la_CPPFLAGS = $(INC_REPORT)
tools_sim_libreport_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
INC_REPORT = $(INC_CONFIG) -I$(top_srcdir)/runtime/sim -I$(top_srcdir)/tools/sim
REPORT_LIBS = tools/sim/libreport.la runtime/libsim.la config/libconfig.la $(JANSSON_LIBS) -lm

# And how it lets a scenario happen.
noinst_LTLIBRARIES += tools/sim/libplay.la
tools_sim_libplay_la_SOURCES = tools/sim/play.h tools/sim/play_parts.h tools/sim/play.c \
  tools/sim/play_event.c tools/sim/play_deed.c tools/sim/play_lots.c tools/sim/play_queue.c \
  tools/sim/progress.c tools/sim/progress.h
tools_sim_libplay_la_CPPFLAGS = $(INC_SIM) -I$(top_srcdir)/tools/sim
