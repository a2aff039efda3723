/* vector - 512 push_backs: ten buffers of 4, 8, ... 2048 bytes, each freed when the next is filled. */
#include <vector>

int main()
{
	std::vector<int> v;

	for (int i = 0; i < 512; i++)
		v.push_back(i);
	return v.size() != 512;
}
