# optgate: `make demo` shows it, `make test` is what a commit must pass. See README.md.
#
#   make                 build/bin/optgated and build/bin/optgate
#   make unit ROOM=mail  one room's unit tests        make unit
#   make fuzz TARGET=mail_address TIME=60             coverage-guided, with clang
#   make test SAN=address,undefined | SAN=thread      the suite under sanitizers
#   make bench           measurements, never a pass or fail; QUICK=1: two minutes instead of ten
#   make soak            random models and kills at length: an hour or so
SAN   ?=
O     ?= build$(if $(SAN),-$(subst $(comma),-,$(SAN)))
comma := ,
CC    ?= gcc
TIME  ?= 60

V     ?=
Q     := $(if $(V),,@)
say    = $(if $(V),,@echo '  $(1)')

ROOMS := $(shell sed -n 's/^\([a-z]\{1,\}\).*/\1/p' .ci/rooms)
WARN  := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wpointer-arith \
         -Wformat=2 -Wundef -Wvla -Wcast-align -Werror
HARD  := $(if $(SAN),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong -fPIE
CFLAGS  ?= -O2 -g
override CFLAGS += -std=gnu11 -D_GNU_SOURCE -pthread $(WARN) $(HARD) -Iinclude -MMD -MP \
         $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
override LDFLAGS += -pthread -pie -Wl,-z,relro,-z,now $(if $(SAN),-fsanitize=$(SAN))

# What each room links.
LIBS_base     :=
LIBS_crypto   := -lcrypto
LIBS_mail     := -lidn2 -lunistring
LIBS_net      := -lssl -lcrypto -lsystemd
LIBS_ledger   := -llmdb
LIBS_callout  := -lcurl
LIBS_inbound  := -lresolv -ljansson
LIBS_lists    := -ljansson
LIBS_delivery := -lesmtp -lssl -lcrypto
LIBS_web      := -lmicrohttpd -lgnutls -ljansson
LIBS_config   := -lconfig
LIBS_control  := -ljansson
LIBS_gateway  := -lsystemd
LIBS_tool     := -ljansson

MAINS  := src/gateway/optgated.c src/tool/optgate.c
src_of  = $(filter-out $(MAINS),$(wildcard src/$(1)/*.c))
obj_of  = $(patsubst src/%.c,$(O)/%.o,$(call src_of,$(1)))
# A room and all below it, top first, as the linker wants them.
upto    = $(call reverse,$(call until,$(1),$(ROOMS)))
until   = $(if $(2),$(firstword $(2)) $(if $(filter $(1),$(firstword $(2))),,$(call until,$(1),$(wordlist 2,99,$(2)))))
reverse = $(if $(1),$(call reverse,$(wordlist 2,99,$(1))) $(firstword $(1)))
archives = $(foreach r,$(call upto,$(1)),$(if $(call src_of,$(r)),$(O)/lib/$(r).a))
libs     = $(foreach r,$(call upto,$(1)),$(LIBS_$(r)))

.PHONY: bench-programs all demo test setup-build setup-test lint unit fuzz fuzz-replay integration bench soak install clean
all: setup-build $(O)/bin/optgated $(O)/bin/optgate

setup-build:
	@.ci/setup build
setup-test:
	@.ci/setup build demo test

define ROOM_RULE
$(O)/lib/$(1).a: $(call obj_of,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call ROOM_RULE,$(r))))

$(O)/%.o: src/%.c
	@mkdir -p $(@D)
	$(call say,CC   $<)
	$(Q)$(CC) $(CFLAGS) -c -o $@ $<

$(O)/inbound/shipped.o: conf/bounce.rules

# connect() and poll() of libesmtp are ours (delivery/interpose.c): the archive member must be pulled in.
$(O)/bin/optgated: $(O)/gateway/optgated.o $(call archives,gateway)
	@mkdir -p $(@D)
	$(call say,LINK $@)
	$(Q)$(CC) $(LDFLAGS) -rdynamic -o $@ $^ $(call libs,gateway)
$(O)/bin/optgate: $(O)/tool/optgate.o $(call archives,tool)
	@mkdir -p $(@D)
	$(call say,LINK $@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(call libs,tool)

# Unit tests: tests/unit/ROOM_subject.c links its room and those below.
UNITS := $(patsubst tests/unit/%.c,%,$(filter $(foreach r,$(ROOMS),tests/unit/$(r)_%.c),$(wildcard tests/unit/*.c)))
room_of = $(firstword $(subst _, ,$(1)))
define UNIT_RULE
$(O)/unit/$(1): tests/unit/$(1).c $(wildcard tests/unit/*.h) $(call archives,$(call room_of,$(1)))
	@mkdir -p $$(@D)
	$(call say,CC   $$<)
	$(Q)$(CC) $$(CFLAGS) -Itests/unit $$(LDFLAGS) -rdynamic -o $$@ $$< $(call archives,$(call room_of,$(1))) -lcmocka $(call libs,$(call room_of,$(1)))
endef
$(foreach u,$(UNITS),$(eval $(call UNIT_RULE,$(u))))
UNITS_WANTED := $(if $(ROOM),$(filter $(ROOM)_%,$(UNITS)),$(UNITS))
unit: $(UNITS_WANTED:%=$(O)/unit/%)
	@.ci/run-units $(UNITS_WANTED:%=$(O)/unit/%)

# Fuzz targets: tests/fuzz/ROOM_subject.c, corpus in tests/fuzz/corpus/ROOM_subject/, words in tests/fuzz/ROOM_subject.dict.
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(filter $(foreach r,$(ROOMS),tests/fuzz/$(r)_%.c),$(wildcard tests/fuzz/*.c)))
define FUZZ_RULE
$(O)/replay/$(1): tests/fuzz/$(1).c tests/fuzz/replay/main.c $(call archives,$(call room_of,$(1)))
	@mkdir -p $$(@D)
	$(call say,CC   $$<)
	$(Q)$(CC) $$(CFLAGS) -Wno-missing-prototypes $$(LDFLAGS) -o $$@ tests/fuzz/$(1).c tests/fuzz/replay/main.c $(call archives,$(call room_of,$(1))) $(call libs,$(call room_of,$(1)))
build-fuzz/$(1): tests/fuzz/$(1).c $(foreach r,$(call upto,$(call room_of,$(1))),$(call src_of,$(r)))
	@mkdir -p $$(@D)
	$(call say,FUZZ $$<)
	$(Q)clang -O1 -g -std=gnu11 -D_GNU_SOURCE -pthread -Iinclude -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
	    -o $$@ $$^ $(call libs,$(call room_of,$(1)))
endef
$(foreach f,$(FUZZERS),$(eval $(call FUZZ_RULE,$(f))))
fuzz-replay: $(FUZZERS:%=$(O)/replay/%)
	@.ci/run-replay $(O)/replay $(FUZZERS)
fuzz: build-fuzz/$(TARGET)
	@mkdir -p build-fuzz/corpus/$(TARGET)
	build-fuzz/$(TARGET) -max_total_time=$(TIME) $(if $(wildcard tests/fuzz/$(TARGET).dict),-dict=tests/fuzz/$(TARGET).dict) \
	    build-fuzz/corpus/$(TARGET) tests/fuzz/corpus/$(TARGET)

# Benchmarks: tests/bench/ROOM_subject.c (or ROOM.c), never part of a test.
BENCHES := $(patsubst tests/bench/%.c,%,$(wildcard tests/bench/*.c))
define BENCH_RULE
$(O)/bench/$(1): tests/bench/$(1).c $(call archives,$(call room_of,$(1)))
	@mkdir -p $$(@D)
	$(call say,CC   $$<)
	$(Q)$(CC) $$(CFLAGS) $$(LDFLAGS) -rdynamic -o $$@ $$< $(call archives,$(call room_of,$(1))) $(call libs,$(call room_of,$(1)))
endef
$(foreach b,$(BENCHES),$(eval $(call BENCH_RULE,$(b))))
bench-programs: $(BENCHES:%=$(O)/bench/%)
bench:
	@.ci/setup build bench
	@$(MAKE) --no-print-directory -s all bench-programs
	@OPTGATE_BIN=$(abspath $(O))/bin OPTGATE_BENCH=$(abspath $(O))/bench QUICK=$(QUICK) tests/bench/run.sh

# At length: KILL_ROUNDS kills of a running campaign, and the models from seeds that no run before had.
KILL_ROUNDS ?= 1000
soak: setup-test all $(O)/unit/spool_model $(O)/unit/policy_stronger
	OPTGATE_SEED=$$(date +%s)000 OPTGATE_RUNS=500 $(O)/unit/spool_model
	OPTGATE_SEED=$$(date +%s) OPTGATE_STEPS=100000 $(O)/unit/policy_stronger
	OPTGATE_BIN=$(abspath $(O))/bin KILL_ROUNDS=$(KILL_ROUNDS) /usr/bin/python3 -B -m pytest -q -x --no-header -p no:cacheprovider tests/integration/test_crash.py

lint:
	@.ci/lint

integration: all
	@OPTGATE_BIN=$(abspath $(O))/bin .ci/run-integration

test: setup-test
	@$(MAKE) --no-print-directory SAN=$(SAN) all lint
	@$(MAKE) --no-print-directory SAN=$(SAN) unit fuzz-replay
	@$(MAKE) --no-print-directory SAN=$(SAN) integration

demo:
	@.ci/setup build demo
	@$(MAKE) --no-print-directory -s all
	@OPTGATE_BIN=$(abspath $(O))/bin tests/demo/demo.sh

DESTDIR ?=
PREFIX  ?= /usr
install: all
	install -D -m 755 $(O)/bin/optgated $(DESTDIR)$(PREFIX)/sbin/optgated
	install -D -m 755 $(O)/bin/optgate $(DESTDIR)$(PREFIX)/bin/optgate
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 conf/man/optgate.1
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man5 conf/man/optgate.conf.5
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man8 conf/man/optgated.8
	install -D -m 644 systemd/optgate.service $(DESTDIR)/lib/systemd/system/optgate.service
	install -D -m 644 systemd/optgate.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/optgate.conf
	install -D -m 640 conf/optgate.conf $(DESTDIR)$(PREFIX)/share/doc/optgate/optgate.conf

clean:
	rm -rf build build-*

-include $(shell find $(O) -name '*.d' 2>/dev/null)
