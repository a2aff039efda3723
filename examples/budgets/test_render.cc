/* The same with GoogleTest. */
#include <gtest/gtest.h>

#include "render.h"

TEST(Render, Sum)
{
	EXPECT_EQ(render(10, 0), 45u);
}

TEST(Render, Forgets)
{
	EXPECT_EQ(render(10, 1), 45u);
}
