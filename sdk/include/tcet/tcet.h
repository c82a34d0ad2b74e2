/* tcet/tcet.h -- the whole stable plugin ABI, version 1.  Room: sdk. */
#ifndef TCET_TCET_H
#define TCET_TCET_H

#include <tcet/aggregator.h>
#include <tcet/combiner.h>
#include <tcet/dataset.h>
#include <tcet/plugin.h>
#include <tcet/saliency.h>
#include <tcet/space.h>
#include <tcet/strategy.h>

#endif
