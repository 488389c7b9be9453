/* Of both programs. */
#pragma once

#define OPTGATE_VERSION "0.1.0"
